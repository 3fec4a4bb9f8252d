"""Fine-tuning of organisms: labelled rows, LoRA, checkpoints."""
