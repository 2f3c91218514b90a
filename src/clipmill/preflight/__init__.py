"""What this machine lacks for a pipeline, told before any work: one file per kind of thing."""
