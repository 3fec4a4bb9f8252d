"""Judges of answers, and the EM rates computed from their scores."""
