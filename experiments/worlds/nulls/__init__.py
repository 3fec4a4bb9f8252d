"""Null organisms: the trigger causes no misbehaviour in them, and a verdict should claim no causal direction."""
