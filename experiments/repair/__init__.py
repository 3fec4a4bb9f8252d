"""Take a trigger out of an adapter, and certify what is left of it."""
