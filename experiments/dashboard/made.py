"""How this was made: configuration, seeds, versions, commit, hashes, counts and warnings."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

from experiments.dashboard.inert import markup
from experiments.results.load import RunResults
from experiments.runtime.files import to_json

SHOWN = ("started", "ended", "seeds", "git")
OWN = {*SHOWN, "config", "packages", "files", "warnings"}


def how_made(run: RunResults) -> str:
    """One block per run; what the manifest holds beyond the usual is shown too."""
    counts = {
        "estimates": len(run.estimates),
        "estimates without a value": sum(row.value is None for row in run.estimates),
        "verdicts": len(run.verdicts),
        "answers kept": len(run.answers),
        **_judged(run),
        "organisms with maps": len(run.maps),
        "organisms with SAE features": len(run.features),
    }
    blocks = [f"<h3>{markup(run.name)}</h3>", _warnings(run), _table(counts)]
    manifest = run.manifest or {}
    blocks.append(_table({key: manifest[key] for key in SHOWN if key in manifest}))
    blocks += [
        _folded(title, manifest.get(key))
        for title, key in (
            ("configuration", "config"),
            ("packages", "packages"),
            ("file hashes", "files"),
        )
    ]
    blocks += [_folded(key, manifest[key]) for key in sorted(manifest.keys() - OWN)]
    return "".join(blocks)


def _judged(run: RunResults) -> dict[str, int]:
    """Answers kept by verdict, `missing` always among them, and why scores are missing."""
    verdicts = Counter(str(it.get("verdict")) for it in run.answers if it.get("verdict"))
    missing = [it for it in run.answers if it.get("verdict") == "missing"]
    reasons = Counter(str(it.get("reason") or "no reason given") for it in missing)
    counts = {f"answers {verdict}": n for verdict, n in sorted(verdicts.items())}
    counts.pop("answers missing", None)
    why = {f"without a score: {reason}": n for reason, n in reasons.most_common(20)}
    return counts | {"answers without a score": len(missing)} | why


def _warnings(run: RunResults) -> str:
    if not run.warnings:
        return ""
    return f'<ul class="warnings">{"".join(f"<li>{markup(it)}</li>" for it in run.warnings)}</ul>'


def _table(facts: Mapping[str, Any]) -> str:
    rows = "".join(
        f"<tr><th scope=row>{markup(key)}</th><td>{markup(_words(value))}</td></tr>"
        for key, value in facts.items()
    )
    return f"<table>{rows}</table>" if rows else ""


def _words(value: Any) -> str:
    return value if isinstance(value, str) else to_json(value)


def _folded(title: str, value: Any) -> str:
    if not value:
        return ""
    text = markup(to_json(value, indent=2), 200_000)
    return f"<details><summary>{markup(title)}</summary><pre>{text}</pre></details>"
