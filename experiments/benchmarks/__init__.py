"""How fast the parts that matter are: ratios of two things measured side by side in one run."""
