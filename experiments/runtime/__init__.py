"""Run folders, locks, workers and errors. Nothing here changes a number."""
