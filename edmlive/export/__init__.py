"""Trained models to verified ONNX files."""
