"""Makes pictures in processes of their own: a video that kills its decoder costs one picture."""
