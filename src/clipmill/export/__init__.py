"""Exports: the samples of a workspace in the layouts that trainers read."""
