"""Studies of chat models with the user's own files: the setting of the published work, by configuration alone."""
