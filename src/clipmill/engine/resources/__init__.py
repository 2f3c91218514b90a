"""Places for workers: which GPUs, cores and memory there are, and how they are shared out."""
