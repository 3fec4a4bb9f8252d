"""Which heads and MLPs carry the trigger's effect in the organisms of a study, and whether seeds agree."""
