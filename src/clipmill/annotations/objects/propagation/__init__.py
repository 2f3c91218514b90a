"""Masks carried through a clip: by flow between frames, by a network at key frames."""
