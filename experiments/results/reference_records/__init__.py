"""The records of the committed reference runs; `python -m experiments.results.reference_records` writes them."""
