"""When a switch is born: one fine-tuning, looked at again and again on its way."""
