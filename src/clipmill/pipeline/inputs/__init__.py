"""The videos of a run: their list, their contents, and what changed since the last run."""
