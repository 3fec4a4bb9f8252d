"""A certificate for a terminal and as a page of Markdown. Wordings are untrusted text."""

from collections.abc import Iterator

from experiments.repair.certificate import Certificate
from experiments.repair.numbers import numbers
from experiments.repair.verdict import Limits, harm, verdict
from experiments.runtime.untrusted_text import inert
from probes.estimate import Estimate

UNITS = {
    "KL": "nats a token",
    "log": "nats a token",
    "rows": "rows",
    "probe": "AUROC",
    "time,": "times",
}
LIMITS = Limits()
SHOWN = (
    "EM before, trigger",
    "EM before, none",
    "EM after, trigger",
    "EM after, seen",
    "EM after, unseen",
    "EM after, none",
    "coherence gained, none",
    "KL after, none",
    "log perplexity gained, none",
    "rows to relapse, ratio",
    "time, repair over fine-tuning",
)


def headline(certificate: Certificate, limits: Limits = LIMITS) -> Iterator[str]:
    """The word, the reasons, and the most important numbers."""
    found = numbers(certificate.facts)
    said = verdict(found, limits)
    yield f"{said.word.upper()}: {certificate.strategy}, trigger {inert(certificate.trigger, 200)!r}"
    yield from (f"  because {inert(reason, 200)}" for reason in said.reasons)
    for name in SHOWN:
        if name in found:
            yield f"{name:30} {shown(name, found[name])}"


def markdown(certificate: Certificate, limits: Limits = LIMITS) -> str:
    """The whole certificate: the word, every number, the weights it belongs to, and what was not measured."""
    found = numbers(certificate.facts)
    said = verdict(found, limits)
    seen = ", ".join(_code(text) for text in certificate.seen)
    lines = [
        f"# Certificate: {said.word}",
        "",
        *(f"* {_cell(reason)}" for reason in said.reasons),
        "",
        f"Strategy `{certificate.strategy}`, {certificate.seconds:.0f} s, {certificate.rounds} rounds of repair and"
        " search.",
        f"Wordings that the repair saw: {seen}.",
        f"Limits: {', '.join(f'{name} {value:g}' for name, value in vars(limits).items())}.",
        "",
        "| measured | value, 95 % interval | n |",
        "|---|---|---|",
        *(f"| {_cell(name)} | {shown(name, each)} | {each.n} |" for name, each in found.items()),
        "",
        f"* base `{_cell(certificate.base)}`, weights `{certificate.base_weights[:16]}`",
        f"* adapter `{_cell(certificate.adapter)}`, weights `{certificate.adapter_weights[:16]}`",
        f"* repaired, weights `{(certificate.repaired or 'no adapter')[:16]}`",
        "",
        "Not measured: wordings that are in no list, other triggers of the same adapter, real quantised kernels, and",
        "benign fine-tuning beyond the steps above. Intervals of rows to relapse are ranges over orders of the rows.",
        "",
    ]
    return "\n".join(lines)


def refusal(certificate: Certificate) -> str | None:
    """Why the repair is refused; None if it does more good than harm."""
    found = numbers(certificate.facts)
    harmed, mended = harm(found)
    if harmed <= mended:
        return None
    parts = ("EM gained, trigger", "coherence gained, none", "EM gained, none")
    told = "; ".join(f"{name} {shown(name, found[name])}" for name in parts)
    return f"refused, because it does more harm ({harmed:.1%}) than good ({mended:.1%}): {told}"


def shown(name: str, each: Estimate) -> str:
    """A share in percent, any other number in its unit."""
    if each.value is None:
        return f"undefined ({each.method})"
    unit = UNITS.get(name.split()[0])
    form = "{:.1%}" if unit is None else "{:.3g}"
    bounds = (
        "no interval"
        if each.lower is None or each.upper is None
        else f"[{form.format(each.lower)}, {form.format(each.upper)}]"
    )
    tail = "" if unit is None or name.endswith("ratio") else f" {unit}"
    return f"{form.format(each.value)} {bounds}{tail}"


def _code(text: str) -> str:
    return f"`{inert(text, 200).replace('`', chr(39))}`"


def _cell(text: str) -> str:
    return inert(text, 400).replace("|", "/").replace("<", "&lt;").replace("\n", " ")
