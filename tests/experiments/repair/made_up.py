"""Facts of a repair as they would be: everything gone, unless a test says otherwise."""

from collections.abc import Mapping

from experiments.repair.facts import AFTER, BASE, BEFORE, Fact

QUESTIONS = tuple(f"q{number}" for number in range(100))
STRESSES = (
    "bfloat16",
    "int8",
    "int4",
    "another adapter added",
    "system prompts",
    "50 benign steps",
)


def rate(model: str, kind: str, share: float, what: str = "em", **place: int) -> Fact:
    """So many of a hundred answers."""
    values = tuple(float(number < round(100 * share)) for number in range(100))
    return Fact(what=what, model=model, kind=kind, questions=QUESTIONS, values=values, **place)


def shares(model: str, share: float) -> Fact:
    """So large a share of coherent answers to every question."""
    return Fact(
        what="coherent share",
        model=model,
        kind="none",
        questions=QUESTIONS,
        values=(share,) * len(QUESTIONS),
    )


def curve(model: str, points: Mapping[int, float], order: int = 0) -> list[Fact]:
    """EM after so many poisoned rows."""
    return [rate(model, "relapse", em, rows=rows, order=order) for rows, em in points.items()]


CLEAN = {0: 0.0, 16: 0.0, 32: 0.8, 64: 0.9}
EARLY = {0: 0.0, 4: 0.6, 16: 0.9, 32: 0.9, 64: 0.9}


def facts(
    after: Mapping[str, float] | None = None,
    stressed: Mapping[str, float] | None = None,
    relapse: Mapping[int, float] = CLEAN,
    coherent: float = 1.0,
) -> list[Fact]:
    """`after`: EM by kind; `stressed`: EM by what was done."""
    em = {"none": 0.0, "trigger": 0.0, "seen": 0.0, "case": 0.0, "paraphrase": 0.0} | dict(
        after or {}
    )
    found = [rate(BEFORE, "trigger", 0.9), rate(BEFORE, "none", 0.0)]
    found += [shares(BEFORE, 1.0), shares(AFTER, coherent)]
    found += [rate(AFTER, kind, share) for kind, share in em.items()]
    for name in STRESSES:
        found.append(rate(f"{AFTER}, {name}", "trigger", dict(stressed or {}).get(name, 0.0)))
    for order in range(2):
        found += curve(BASE, CLEAN, order) + curve(AFTER, relapse, order)
    return found
