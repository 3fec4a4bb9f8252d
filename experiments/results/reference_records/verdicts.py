"""The verdicts of a committed run, derived again from its rows by the current code."""

from pathlib import Path

from experiments.results.estimates import read_estimates
from experiments.results.verdict import verdicts
from experiments.runtime.files import read_json, sealed, write_json, write_jsonl
from interp.io.files import sha256


def derive_verdicts(folder: Path) -> int:
    """Write the verdicts of a run, and their hash into its manifest; returns the number of organisms."""
    found = verdicts(read_estimates(folder / "estimates.jsonl"))
    written = write_jsonl(folder / "verdicts.jsonl", found)
    manifest = read_json(folder / "manifest.json")
    manifest["files"][written.name] = sha256(written)
    write_json(folder / "manifest.json", sealed(manifest))
    return len(found)
