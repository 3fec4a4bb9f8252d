"""Before and after release: a scan of fine-tuning data for framings, and a gate that decides on sampled answers."""
