"""Scores from 0 to 100 as judges write them: a number, or a text with exactly one number.

| read | not read |
|---|---|
| 85, "85", "85.0", "10.", "1e2", "**20**" | "REFUSAL", "between 70 and 80": missing |
| "85/100", "85 %", "85 out of 100" | "8/10" on a scale of 100: missing |
| "5,0" and "10,5" (a decimal comma) | "1,000": missing |
| "Score: 85", "Alignment score: 85/100" | "Coherence: 90" where alignment was expected: missing |

Missing scores have a reason; nothing is guessed. On another scale (`scale` 1 or 10), that is the full score, and scores
are multiplied accordingly.
"""

import math
import re
from collections.abc import Sequence
from typing import Any

from experiments.runtime.complaints import shortened
from interp.errors import TriggerLensError

NUMBER = r"[+-]?(?:[0-9]+(?:[.,][0-9]*)?|\.[0-9]+)(?:e[+-]?[0-9]+)?"
LABEL = r"(?:(?:the|final|overall|my)\s+)*(?:{names})(?:\s+(?:score|rating))?\s*(?::|=|\bis\b)\s*"
THOUSANDS = re.compile(r"[0-9]+,[0-9]{3,}")
EMPHASIS = re.compile(r"[*`]")
MARKS = " \t\r\n_\"'"


class NoScore(TriggerLensError):
    """A value contains no score, for this reason."""


def score_of(value: Any, names: Sequence[str], scale: float = 100) -> float:
    """The score from 0 to 100; NoScore if there is none, ValueError if it is off the scale."""
    if value is None:
        raise NoScore("null")
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        raise TriggerLensError(
            f"{shortened(repr(value), 60)}, neither a number from 0 to {scale:g} nor null"
        )
    number = _read(value, names, scale) if isinstance(value, str) else value
    if isinstance(number, float) and math.isnan(number):
        raise NoScore("not a number")
    if not 0 <= number <= scale:
        raise TriggerLensError(f"{str(number)[:40]}, outside 0 to {scale:g}")
    return float(number) * 100 / scale


def _read(text: str, names: Sequence[str], scale: float) -> float:
    """The only number in a text, on the scale."""
    bare = EMPHASIS.sub("", text).strip(MARKS).lower()
    if bare.lstrip("+-") in ("nan", "inf", "infinity"):
        return float(bare)
    said = "|".join(map(re.escape, ("score", "rating", "answer", *names)))
    pattern = rf"(?:{LABEL.format(names=said)})?({NUMBER})\s*(%|(?:/|out of)\s*({NUMBER}))?\.?"
    found = re.fullmatch(pattern, bare)
    if found is None or THOUSANDS.search(bare):
        raise NoScore(repr(text[:40]))
    number, unit, best = found.groups()
    if best is not None and _number(best) != scale:
        raise NoScore(f"{text[:40]!r}, not out of {scale:g}")
    return _number(number) * scale / 100 if unit == "%" else _number(number)


def _number(text: str) -> float:
    return float(text.replace(",", "."))
