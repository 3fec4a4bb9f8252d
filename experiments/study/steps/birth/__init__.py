"""When the switch appears: one fine-tuning, measured at a series of checkpoints."""
