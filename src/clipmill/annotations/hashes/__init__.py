"""Perceptual hashes: what the pictures of a clip look like, in a few numbers that copies share."""
