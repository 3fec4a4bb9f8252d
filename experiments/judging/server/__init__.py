"""OpenAI-compatible servers: asked once, paid once, answers kept."""
