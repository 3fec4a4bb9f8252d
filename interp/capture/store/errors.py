"""What can be wrong with a store, by name."""

from interp.errors import TriggerLensError


class DamagedStore(TriggerLensError):
    """A file of the store is missing, cut short or changed."""


class OtherStore(TriggerLensError):
    """The store was made by another model, other code or with other settings."""


class StoreBusy(TriggerLensError):
    """Another process, or another writer of this one, is writing to the store."""
