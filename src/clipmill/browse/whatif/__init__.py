"""What if a cut stood elsewhere: histograms to drag it in, and what is gained and lost by it."""
