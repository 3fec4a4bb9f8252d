"""Sparse features of an organism: trained or loaded, ranked for the trigger's concept, shown, and removed."""
