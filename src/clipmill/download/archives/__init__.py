"""Archives of a data set on the hub: which there are, read in place, or fetched whole."""
