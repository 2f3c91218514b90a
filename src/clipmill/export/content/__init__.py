"""What one sample is in the frames and pixels of its export."""
