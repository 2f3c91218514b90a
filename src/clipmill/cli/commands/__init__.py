"""The commands: one file each, thin over the packages below."""
