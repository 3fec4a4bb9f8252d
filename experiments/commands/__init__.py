"""One file for each subcommand; `experiments.cli` registers them."""
