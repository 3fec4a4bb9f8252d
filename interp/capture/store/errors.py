"""What can be wrong with a store, by name."""


class DamagedStore(ValueError):
    """A file of the store is missing, cut short or changed."""


class OtherStore(ValueError):
    """The store was made by another model, other code or with other settings."""


class StoreBusy(ValueError):
    """Another process, or another writer of this one, is writing to the store."""
