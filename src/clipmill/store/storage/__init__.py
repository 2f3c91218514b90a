"""Where the files of a workspace lie: a local disk, or behind a URL; and who may write there."""
