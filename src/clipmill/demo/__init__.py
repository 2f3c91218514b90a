"""Demo data with known truth: synthetic scenes, the demo's clips, and scores against the truth."""
