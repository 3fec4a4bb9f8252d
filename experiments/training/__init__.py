"""Fine-tuning of organisms: rows with labels, LoRA, checkpoints."""
