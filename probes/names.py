"""The names of control read-outs (those that should fail, or that cheat), wherever scores are reported."""

SHUFFLED, SURFACE, RANDOM = "shuffled labels", "surface features", "random directions"
IDENTITY, MEMORISED = "prompt identity", "random labels per question (control task)"
CONTROLS = (SHUFFLED, SURFACE, RANDOM, IDENTITY, MEMORISED)


def is_control(source: str | None) -> bool:
    """Whether a row's `source` names a control read-out rather than a probe."""
    return source is not None and any(name in source for name in CONTROLS)


def is_ceiling(source: str | None) -> bool:
    """Whether a probe must beat this read-out to have found anything (the other controls are informative only)."""
    return source is not None and (SHUFFLED in source or SURFACE in source)
