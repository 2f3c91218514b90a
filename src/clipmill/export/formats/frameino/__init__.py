"""The Frame In-N-Out loaders: the same columns over cut videos, and over whole source videos."""
