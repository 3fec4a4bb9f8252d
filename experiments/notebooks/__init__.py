"""Execution of the tutorials' notebooks on the committed micro bases."""
