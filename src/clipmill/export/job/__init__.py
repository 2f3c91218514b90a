"""The run of an export: choosing, working in parallel, going on after a stop, verifying."""
