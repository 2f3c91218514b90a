"""Which clips show the same: from perceptual hashes to groups. Knows no video, no step."""
