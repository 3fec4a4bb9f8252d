"""Fine-tuning: LoRA on chat rows, with the loss on the response only, and checkpoints."""
