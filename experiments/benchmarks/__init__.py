"""Speed of the important parts, as ratios of two alternatives measured in one run."""
