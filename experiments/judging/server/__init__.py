"""OpenAI-compatible servers: each request is sent and paid for once, and its answer is kept."""
