"""Shipped ONNX models, each beside its model card."""
