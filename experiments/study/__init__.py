"""A study: its configuration, its organisms and its steps, from fine-tuning to figures."""
