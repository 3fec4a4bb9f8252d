"""Numbers in, numbers out: probes, controls and estimates. Never sees a model or a token."""
