"""Extensions of Inspect (`inspect_ai`): a task, its scorer and metric, and a model provider that edits activations."""
