"""`clipmill browse`: a local web app over a workspace, to look at every clip and to judge it."""
