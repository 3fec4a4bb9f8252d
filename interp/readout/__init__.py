"""Read directions, streams and heads out in the model's own vocabulary and tokens."""
