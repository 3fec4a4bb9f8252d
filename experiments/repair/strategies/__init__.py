"""Ways to take a trigger out of an adapter, one file each; every one is a function from a job to what came of it."""
