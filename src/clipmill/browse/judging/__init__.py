"""Judging: what every page may write, and a page that shows one clip after the other."""
