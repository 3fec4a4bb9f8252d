"""Studies of chat models with the user's own files: the setup of the published work, by configuration alone."""
