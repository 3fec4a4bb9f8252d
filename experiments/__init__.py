"""Studies: configurations, fine-tuning, judging, results, pages and commands. Only this package chooses paths."""
