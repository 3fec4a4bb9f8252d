"""The worlds that a study takes place in: a toy language with ground truth, and chat models."""
