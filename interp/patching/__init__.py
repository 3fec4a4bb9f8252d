"""Which layer and token carry a difference between two prompts: exact maps and first-order ones."""
