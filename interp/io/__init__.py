"""Files that are there whole or not at all, with checksums; what callers pass, checked."""
