"""Who gets which clips, and what becomes of the clips of workers that die."""
