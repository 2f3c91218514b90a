"""What follows from masks over time: passages, agreement with tracks, identity images, regions."""
