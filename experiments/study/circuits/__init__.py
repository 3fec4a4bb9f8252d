"""Which heads and MLPs write the switch, in the organisms of a study, and whether seeds agree."""
