"""Directions by gradient: to be removed, or to be added."""
