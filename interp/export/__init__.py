"""Directions for other libraries, and ablations baked into weights."""
