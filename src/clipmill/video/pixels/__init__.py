"""What becomes of decoded pictures: upright, square pixels, progressive, BT.709, one size."""
