"""Parts of `gpu.py`: the reference stages with networks of random weights."""
