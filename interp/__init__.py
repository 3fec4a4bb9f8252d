"""The forward pass: prompts, models, activations, directions, interventions, generation. No labels, no judges."""
