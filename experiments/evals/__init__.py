"""Inside Inspect (`inspect_ai`): a task, its scorer and its metric, and a model provider that edits activations."""
