"""Pixels on disk to arrays and back: sequences, the reader, the writer."""
