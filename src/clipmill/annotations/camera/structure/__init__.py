"""Camera motion from many frames at once: poses and depths of points by bundle adjustment."""
