"""Worker processes of this machine, from both ends of their pipes."""
