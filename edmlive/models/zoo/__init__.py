"""Shipped ONNX models, each with its model card."""
