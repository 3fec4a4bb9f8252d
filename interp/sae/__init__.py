"""Sparse autoencoders of sae-lens: loaded, trained, read and edited."""
