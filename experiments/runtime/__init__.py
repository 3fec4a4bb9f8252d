"""Where work runs and what it leaves behind: folders, locks, workers, errors. Nothing here changes a number."""
