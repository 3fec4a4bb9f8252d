"""A contest of trigger finders: organisms with a hidden trigger or none, guesses by any tool, and scores."""
