"""From the raw facts of a run to its numbers: estimates, verdicts and what the page draws, by pure functions."""
