"""Cuts, dissolves, fades and flashes, found in frames of 80 x 45 pixels without weights."""
