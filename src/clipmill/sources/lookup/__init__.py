"""Where files lie: in local folders, behind URLs, or somewhere in a tree."""
