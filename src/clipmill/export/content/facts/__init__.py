"""Facts of videos and clips that exports tell beside the samples."""
