"""What became of the files of a source: counted, named, and told."""
