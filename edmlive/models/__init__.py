"""Model architectures, and the zoo of models that ship."""
