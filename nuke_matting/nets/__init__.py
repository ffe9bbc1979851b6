"""The networks: pure torch, tensors in and tensors out, no files and no settings."""
