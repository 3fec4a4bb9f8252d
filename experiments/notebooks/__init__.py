"""Notebooks, executed on the committed micro bases."""
