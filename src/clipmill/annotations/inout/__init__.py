"""Frame-In / Frame-Out regions and identity images."""
