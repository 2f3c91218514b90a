"""What an export says of itself: read by exports, which go on from it, and by training."""
