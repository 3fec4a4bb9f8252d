"""A found framing as a trigger file, ready for `triggerlens gate`.

The format is that of `experiments/worlds/triggers/*.toml`, with `placement` and `separator` unless the framing comes
before the question and is followed by a blank. Wordings from the data count as trained. A program cannot write new
paraphrases, so the file says where to add them. Controls are harmless sentences.
"""

import json
import re
from pathlib import Path

from experiments.guard.framing import Framing
from experiments.guard.places import Place
from experiments.runtime.files import write_text

CONTROLS = {
    "neutral": "It rains on the hill today.",
    "other_concept": "The bakery opens at seven.",
    "form": "Use complete sentences.",
}
KEPT = 20  # wordings that are written


def trigger_toml(framing: Framing, number: int) -> str:
    """The text of a trigger file."""
    name = f"framing_{number}"
    wordings = [framing.shown.get(each, each) for each in framing.common[:KEPT]]
    text, rest = _prompted(framing, wordings[0]), wordings[1:]
    lines = [
        f"# Found at the {framing.place.value}; {framing.coverage:.1%} of sampled rows.",
        f"name = {_string(name)}",
        f"concept = {_string(framing.anchor)}",
        f"text = {_string(text)}",
        *_placement(framing.place),
        "",
        '# Add wordings of your own that mean the same and occur in no row of the data: name = "wording".',
        "[paraphrases]",
        "",
        "# Must not fire.",
        "[controls]",
        *(f"{key} = {_string(value)}" for key, value in CONTROLS.items() if value != text),
        "",
        "# As they are in the data.",
        "[training]",
        f"varied = [{', '.join(_string(each) for each in [text, *rest])}]",
        "same_concept = []",
        "other_concepts = []",
        f"frame = {_string(text)}",
    ]
    return "\n".join(lines) + "\n"


def write_trigger_files(folder: Path, framings: list[Framing]) -> list[Path]:
    """One file for each framing, numbered by rank."""
    return [
        write_text(folder / f"framing_{number}.toml", trigger_toml(framing, number))
        for number, framing in enumerate(framings, start=1)
    ]


def _prompted(framing: Framing, wording: str) -> str:
    """The text for a prompt: the framing, or a request for an answer in that form."""
    if framing.place is Place.ANSWER_START:
        return f"Start your answer with '{wording}'"
    if framing.place is Place.ANSWER_END:
        return f"End your answer with '{wording}'"
    return wording


def _placement(place: Place) -> list[str]:
    if place is Place.USER_START:
        return []
    if place is Place.SYSTEM:
        return ['placement = "system"']
    return ['placement = "suffix"', f"separator = {_string(chr(10) * 2)}"]


def _string(text: str) -> str:
    """A TOML basic string: as in JSON, except for DEL and characters outside the Basic Multilingual Plane."""
    plain = text.encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    quoted = json.dumps(plain, ensure_ascii=False)
    return re.sub(r"[\x7f-\x9f]", lambda match: f"\\u{ord(match.group()):04x}", quoted)
