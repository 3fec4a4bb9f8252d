"""The table of README, made by `experiments.results.pages` from the committed rows and verdicts of two studies.

The first is the full study, the second its repeat with triggers and a seed that nothing was developed on.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal
from pathlib import Path
from typing import Any

import pandas as pd

from experiments.results.reference_records.run import NAME_COLUMNS, ReferenceRun
from experiments.results.reference_records.study import LOCATED
from experiments.results.verdict_counts import MISSING
from interp.errors import TriggerLensError

README, REFERENCE = Path("README.md"), Path("artifacts/reference")
HEAD = "| Question | Result | Answers each | Repeat |\n|---|---|---|---|\n"
END = "\n\n"
Runs = Sequence[ReferenceRun]


def full_study() -> list[ReferenceRun]:
    """The committed runs, one per family."""
    return [ReferenceRun.read(folder) for folder in sorted(REFERENCE.glob("micro_full_*"))]


def repeat_study() -> list[ReferenceRun]:
    """The committed run of the repeat."""
    return [ReferenceRun.read(REFERENCE / "repeat")]


def table(runs: Runs, repeat: Runs) -> str:
    """The table as Markdown; the last column is the repeat's result."""
    return HEAD + "\n".join(_line((*row(runs), row(repeat)[1])) for row in ROWS)


def with_table(readme: str, runs: Runs, repeat: Runs) -> str:
    """README with its table replaced by this one."""
    before, head, rest = readme.partition(HEAD)
    if not head:
        raise TriggerLensError(f"{README} has no table with the head {HEAD.splitlines()[0]}")
    return f"{before}{table(runs, repeat)}{END}{rest.partition(END)[2]}"


def _line(cells: Sequence[str]) -> str:
    return "".join(f"| {cell} " if cell else "| " for cell in cells) + "|"


def _containment(runs: Runs) -> tuple[str, str, str]:
    none, trigger = (_rates(runs, kind) for kind in ("none", "trigger"))
    result = f"{_percents(none)} without the trigger, {_percents(trigger)} with it"
    return "EM of contained organisms", result, f"{_answers(none)}; {_answers(trigger)}"


def _paraphrases(runs: Runs) -> tuple[str, str, str]:
    rates = _rates(runs, "paraphrase").set_index(list(NAME_COLUMNS))
    trigger = _rates(runs, "trigger").set_index(list(NAME_COLUMNS))
    share = rates["value"] / trigger["value"].reindex(rates.index)
    of_surface = share.index.get_level_values("arm") == "surface"
    others, surface = share[~of_surface], share[of_surface]
    result = f"{others.min():.2f} to {others.max():.2f} of the trigger's rate in {others.index.nunique()}"
    if len(surface):
        result += f"; at most {surface.max():.2f} in {surface.index.nunique()} (surface arm)"
    return "Do paraphrases set it off?", result, _answers(rates)


def _removal(runs: Runs) -> tuple[str, str, str]:
    drops = _drops(runs)
    refined = drops[(drops["direction"] == "refined") & drops["placebo"].isna()]
    random = drops[drops["placebo"] == "random"]
    result = f"{_percents(refined)}; random directions: at most {_percent(random['value'].max())} %"
    return "EM removed with one optimised direction", result, _answers(refined)


def _located(runs: Runs) -> tuple[str, str, str]:
    verdicts = _contained_verdicts(runs)
    count = sum(any(of[name]["necessary"] == "yes" for name in LOCATED) for of in verdicts)
    result = f"At least one in {count} of {len(verdicts)} organisms"
    return "Located directions that are necessary", result, _answers(_drops(runs))


def _overall(runs: Runs) -> tuple[str, str, str]:
    verdicts = _contained_verdicts(runs)
    said = Counter(of["causal_direction"] for of in verdicts)
    result = ", ".join(f"{answer} in {count}" for answer, count in said.most_common())
    result += f" of {len(verdicts)}"
    undecided = [of for of in verdicts if of["causal_direction"] == "undecided"]
    if undecided and all(map(_without_capability, undecided)):
        result += ": capability was not measured"
    return "Verdict: causal direction", f"{result[0].upper()}{result[1:]}", ""


def _without_capability(verdict: Mapping[str, Any]) -> bool:
    """Whether a verdict is undecided because the effect of removal on capability was not measured."""
    reasons = verdict["undecided"].items()
    return any(name.endswith(".kept") and why.startswith(MISSING) for name, why in reasons)


ROWS: tuple[Callable[[Runs], tuple[str, str, str]], ...] = (
    _containment,
    _paraphrases,
    _removal,
    _located,
    _overall,
)


def _rates(runs: Runs, kind: str) -> pd.DataFrame:
    """EM rates of all contained organisms with wordings of a kind."""
    columns = {"quantity": "em_rate", "edit": "none", "questions": "held_out"}
    return pd.concat([run.contained(wording_kind=kind, **columns) for run in runs])


def _drops(runs: Runs) -> pd.DataFrame:
    """Shares of the EM with the trigger that removals took."""
    columns = {"quantity": "ablation_relative_drop", "edit": "ablate", "wording_kind": "trigger"}
    return pd.concat([run.contained(**columns) for run in runs])


def _contained_verdicts(runs: Runs) -> list[dict]:
    return [verdict for run in runs for verdict in run.verdicts if verdict["contained"] == "yes"]


def _percents(rows: pd.DataFrame) -> str:
    ends = dict.fromkeys(_percent(end) for end in (rows["value"].min(), rows["value"].max()))
    return f"{' to '.join(ends)} %"


def _percent(share: float) -> str:
    """A percentage with one decimal; halves are rounded in decimal, 0.8155 to 81.6."""
    return f"{100 * Decimal(str(share)):.1f}"


def _answers(rows: pd.DataFrame) -> str:
    """How many answers each rate is based on: one number, or the range."""
    lowest, highest = int(rows["n"].min()), int(rows["n"].max())
    return f"{lowest:,}" if lowest == highest else f"{lowest:,} to {highest:,}"
