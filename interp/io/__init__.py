"""Files that are written atomically, with checksums; checks of what callers pass."""
