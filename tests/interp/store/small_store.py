"""A small store, written at once."""

from interp.capture.store import ActivationStore, open_writer

SMALL = {"shard_bytes": 700}  # two prompts of three layers of 32 numbers


def write(folder, lm, prompts, **settings):
    with open_writer(folder, lm, **{**SMALL, **settings}) as writer:
        writer.add(prompts)
    return ActivationStore(folder)
