"""Find a trigger that nobody named: candidates from model and library, a ranking without labels, a gate on the best."""
