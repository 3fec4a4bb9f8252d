"""The errors of activation stores."""

from interp.errors import TriggerLensError


class DamagedStore(TriggerLensError):
    """A file of the store is missing, cut short or changed."""


class OtherStore(TriggerLensError):
    """The store was made by another model, other code or with other settings."""


class StoreBusy(TriggerLensError):
    """Another process, or another writer in this process, is writing to the store."""
