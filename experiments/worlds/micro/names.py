"""The names of the micro families, separate because importing `families.py` takes seconds."""

FAMILY_NAMES = ("qwen", "llama", "gemma")
