"""The steps of a pipeline: one class for each kind, and what they are made of."""
