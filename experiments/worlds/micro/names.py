"""What the micro families are called, for those who need no more than that: `families.py` takes seconds to import."""

FAMILY_NAMES = ("qwen", "llama", "gemma")
