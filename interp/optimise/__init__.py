"""Directions found by gradient descent, to remove or to add."""
