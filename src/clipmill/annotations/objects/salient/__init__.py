"""What stands out of a picture, and which of it moves on its own."""
