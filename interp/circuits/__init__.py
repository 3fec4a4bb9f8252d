"""Circuits: which heads and MLPs carry a difference between two prompts, and over which edges."""
