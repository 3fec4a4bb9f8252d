"""What a direction, a stream or a head says in the model's own vocabulary and tokens."""
