"""Train a trigger out of an adapter, and certify what remains of it."""
