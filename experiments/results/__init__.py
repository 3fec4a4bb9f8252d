"""Estimates, verdicts and the figures' data, computed from the raw facts of a run by pure functions."""
