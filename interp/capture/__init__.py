"""Read activations: which tokens, which site of which layer, in memory or on disk."""
