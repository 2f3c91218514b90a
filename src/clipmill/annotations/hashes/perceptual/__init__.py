"""How pictures become hashes."""
