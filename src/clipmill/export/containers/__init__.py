"""Containers: a folder tree, WebDataset shards, a Hugging Face dataset folder."""
