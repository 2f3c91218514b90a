"""clipmill: raw video collections in, training-ready clips out."""

import os

__version__ = "0.1.0"

# ONNX Runtime reports its use to its makers unless told otherwise before it is loaded, and keeps a
# database of reports in the user's cache; what is computed here is nobody else's business.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")
