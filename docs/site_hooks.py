"""Puts every result page into the navigation of the site, the index first."""

from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"


def on_config(config: Any) -> Any:
    """Replace the entry "results/" by the pages of that folder."""
    names = sorted(path.name for path in RESULTS.glob("*.md") if path.name != "index.md")
    pages = [f"results/{name}" for name in ("index.md", *names)]
    config["nav"] = [
        {"Results": pages} if entry == {"Results": "results/"} else entry for entry in config["nav"]
    ]
    return config
