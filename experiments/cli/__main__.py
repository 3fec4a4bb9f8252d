"""`python -m experiments.cli`, the command without its script."""

from experiments.cli import main

main()
