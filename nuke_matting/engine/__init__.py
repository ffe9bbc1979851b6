"""Frames to mattes: the shot, the pipeline that runs many, and what remembers results."""
