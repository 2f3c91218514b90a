"""Network definitions that no library has, and the one place that chooses a device.

Modules in here import torch or onnxruntime at the top: import them in a backend's `setup`, never
before.
"""
