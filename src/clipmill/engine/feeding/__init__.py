"""Clips loaded ahead of a model, in bounded time and memory."""
