"""What makes a gallery show different things."""
