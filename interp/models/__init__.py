"""A model, its tokenizer and its chat format, loaded and checked; adapters on it."""
