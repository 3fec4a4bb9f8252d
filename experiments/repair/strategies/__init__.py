"""Ways to remove a trigger from an adapter, one file each; every strategy is a function from a job to its result."""
