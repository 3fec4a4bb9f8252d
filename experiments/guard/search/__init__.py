"""Find a trigger that nobody named: candidates from the model and a library, a ranking without labels, and tests."""
