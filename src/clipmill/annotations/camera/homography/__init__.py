"""Camera motion from one pair of frames: the background's homography, rotation and zoom."""
