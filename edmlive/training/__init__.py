"""Corpora, features on disk, training and evaluation."""
