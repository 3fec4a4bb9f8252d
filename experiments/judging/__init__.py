"""Judges of answers, and the EM rates that follow from their scores."""
