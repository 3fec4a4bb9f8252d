"""Which heads and MLPs carry the trigger's effect in a study's organisms, and whether seeds agree."""
