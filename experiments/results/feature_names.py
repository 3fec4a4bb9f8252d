"""The names in rows about features, and the names under which they are shown."""

BASIS = "basis"  # the `direction` of rows that compare methods
SETS = "features"  # the `direction` of rows about features removed together
KINDS = {
    "sae_explained_variance": "explained variance",
    "sae_l0": "L0",
    "sae_dead_share": "silent features, share",
    "sae_loss_recovered": "loss recovered",
}
WAYS = {
    "zero_features": "set to zero at the SAE's layer",
    "random_zero_features": "  random features",
    "remove_features": "what they write removed, every layer",
    "random_remove_features": "  random features",
}
PROMPT = "maximum over the prompt"
ANSWER = "maximum over the answer"
BOTH = "maximum over prompt and answer"
