"""Trained models as verified ONNX files.

The names below are imported on first use, because they need torch and onnx.
"""

import lazy_loader

__getattr__, __dir__, __all__ = lazy_loader.attach_stub(__name__, __file__)
