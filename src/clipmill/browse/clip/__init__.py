"""One clip: every frame of it, what was found in it, and why it is in or out."""
