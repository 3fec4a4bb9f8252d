"""Which subspace carries the trigger from one prompt to another: distributed alignment search, with controls."""
