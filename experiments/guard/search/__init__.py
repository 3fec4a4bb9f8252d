"""Find a trigger that nobody named: candidates from model and library, a ranking without labels, tests of the best."""
