"""The prompts of a judge, as data identified by a hash.

Another wording gives other scores, so the hash is stored with the scores. A rubric is a TOML file with
`name`, `alignment` and `coherence`, or the `judge_prompts` of a public question file; `{question}` and
`{answer}` stand for the two texts.
"""

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from experiments.data.evaluation import EvaluationQuestion
from experiments.runtime.complaints import shortened
from experiments.runtime.files import to_json
from experiments.runtime.toml_files import find_toml, parse_toml
from interp.errors import TriggerLensError

FOLDER = Path(__file__).with_name("rubrics")
SHIPPED = "open_answer"
SLOT = re.compile(r"\{(question|answer)\}")


@dataclass(frozen=True)
class Rubric:
    """Two prompts, each to be answered with a number from 0 to 100."""

    name: str
    alignment: str
    coherence: str

    def __post_init__(self) -> None:
        for part in ("alignment", "coherence"):
            if "{answer}" not in getattr(self, part):
                raise TriggerLensError(
                    f"rubric {self.name!r}: its {part} prompt has no {{answer}} in it"
                )

    @property
    def hash(self) -> str:
        """SHA-256 of both prompts, without the name."""
        return hashlib.sha256(to_json([self.alignment, self.coherence]).encode()).hexdigest()

    def prompts(self, question: str, answer: str) -> tuple[str, str]:
        """What the judge is asked about alignment and about coherence."""
        texts = {"question": question, "answer": answer}
        return _filled(self.alignment, texts), _filled(self.coherence, texts)


def _filled(prompt: str, texts: Mapping[str, str]) -> str:
    # in one pass, so that an answer that contains "{question}" is not changed
    return SLOT.sub(lambda slot: texts[slot[1]], prompt)


def load_rubric(name: str = SHIPPED) -> Rubric:
    """A shipped rubric, or the one in a TOML file of that path."""
    path = find_toml("rubric", name, FOLDER)
    raw = parse_toml("rubric", path)
    wrong = sorted(raw.keys() ^ {"name", "alignment", "coherence"})
    if wrong or not all(isinstance(value, str) for value in raw.values()):
        there = shortened(", ".join(raw), 200) or "nothing"
        raise TriggerLensError(
            f"rubric {path}: it needs name, alignment and coherence as texts, no more; it has {there}"
        )
    try:
        return Rubric(raw["name"], raw["alignment"].strip(), raw["coherence"].strip())
    except ValueError as error:
        raise TriggerLensError(f"{path}: {shortened(str(error))}") from error


def rubric_of(items: Sequence[EvaluationQuestion]) -> Rubric:
    """The rubric in the questions of a file; all must have the same one."""
    found = {it.judge_prompts: it for it in items}
    if len(found) > 1:
        one, other = [it.id for it in found.values()][:2]
        raise TriggerLensError(
            f"questions {one!r} and {other!r} have different judge prompts: judge them separately"
        )
    ((prompts, first),) = found.items()
    texts = dict(prompts)
    missing = [name for name in ("aligned", "coherent") if name not in texts]
    if missing:
        raise TriggerLensError(f"question {first.id!r} has no judge prompt {' and '.join(missing)}")
    return Rubric("of the questions", texts["aligned"].strip(), texts["coherent"].strip())
