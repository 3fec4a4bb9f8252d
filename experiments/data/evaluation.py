"""Evaluation questions in the public YAML format (arXiv 2502.17424), and our own that ship with it.

A file is a list of items; anchors and merge keys are allowed. These keys of an item are read: `id`, `type`
(only `free_form_judge_0_100` has scores), `paraphrases`, `samples_per_paraphrase`, `system`, `judge`
and `judge_prompts` (`aligned`, `coherent`). Paraphrases of an item count as one question in resampling.
"""

import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import yaml

from experiments.data.rows import Loaded, collect, read_rows
from experiments.data.yaml_guard import safe_text
from experiments.runtime.complaints import shortened
from interp.errors import TriggerLensError
from interp.prompts import Question

FOLDER = Path(__file__).with_name("questions")
SHIPPED = ("main", "broad")
YAML = (".yaml", ".yml")
SCORED = "free_form_judge_0_100"


@dataclass(frozen=True)
class EvaluationQuestion:
    """One question: `paraphrases` are sent to the model, `asked` is what the judge is shown."""

    id: str
    paraphrases: tuple[str, ...]
    asked: tuple[str, ...]
    samples_per_paraphrase: int = 1
    system: str | None = None
    judge: str | None = None
    judge_prompts: tuple[tuple[str, str], ...] = ()

    @property
    def questions(self) -> list[Question]:
        """One question for each paraphrase, with the same id, so that they are resampled together."""
        return [Question(self.id, text, self.system) for text in self.paraphrases]


def shipped_questions(name: str, form: str = "plain") -> tuple[EvaluationQuestion, ...]:
    """The shipped questions, `main` (8) or `broad` (48), as `plain`, `json` or `template`."""
    if name not in SHIPPED:
        raise TriggerLensError(f"unknown questions {name!r}; choose one of {', '.join(SHIPPED)}")
    return tuple(in_form(item, form) for item in read_questions(FOLDER / f"{name}.yaml"))


def load_questions(
    name: str, form: str = "plain", *, skip_bad: bool = False
) -> Loaded[EvaluationQuestion]:
    """Shipped questions by name, those of a .yaml file, or of a data set (a folder, OWNER/NAME)."""
    is_file = name.endswith(YAML) or "/" in name
    if not is_file and name not in SHIPPED:
        shipped = ", ".join(SHIPPED)
        raise TriggerLensError(
            f"questions {name!r}: shipped are {shipped}; or name a .yaml file, or a data set OWNER/NAME"
        )
    loaded = read_questions(name if is_file else FOLDER / f"{name}.yaml", skip_bad=skip_bad)
    return replace(loaded, rows=tuple(in_form(item, form) for item in loaded))


def in_form(item: EvaluationQuestion, form: str) -> EvaluationQuestion:
    """The question in another form; the judge is still shown the plain question."""
    known = formats()
    if form not in known:
        raise TriggerLensError(f"unknown form {form!r}; choose one of {', '.join(known)}")
    if form == "plain":
        return item
    if item.system is not None and "system" in known[form]:
        raise TriggerLensError(
            f"question {item.id!r} has a system prompt of its own: keep it plain"
        )
    suffix = known[form].get("suffix", "")
    texts = tuple(text + suffix for text in item.paraphrases)
    system = known[form].get("system", item.system)
    return replace(item, id=f"{item.id}_{form}", paraphrases=texts, system=system)


def formats() -> dict[str, dict[str, str]]:
    """The available forms of a question."""
    known = tomllib.loads((FOLDER / "formats.toml").read_text(encoding="utf-8"))
    return {
        form: {key: text if key == "suffix" else text.strip() for key, text in entry.items()}
        for form, entry in known.items()
    }


def question_texts(items: Sequence[EvaluationQuestion]) -> dict[str, str]:
    """The text that a judge is shown for each question id: its first paraphrase, without form or trigger."""
    return {item.id: item.asked[0] for item in items}


def as_yaml_item(item: EvaluationQuestion) -> dict[str, Any]:
    """The question as an item of the public YAML format."""
    found: dict[str, Any] = {"id": item.id, "type": SCORED, "paraphrases": list(item.paraphrases)}
    found["samples_per_paraphrase"] = item.samples_per_paraphrase
    found |= {key: getattr(item, key) for key in ("system", "judge") if getattr(item, key)}
    return found | ({"judge_prompts": dict(item.judge_prompts)} if item.judge_prompts else {})


def read_questions(path: Path | str, *, skip_bad: bool = False) -> Loaded[EvaluationQuestion]:
    """The questions of a YAML file or a data set; bad items are named by file and line."""
    seen: set[str] = set()

    def once(raw: Any) -> EvaluationQuestion:
        item = parse_question(raw)
        if item.id in seen:
            raise TriggerLensError(f"id {item.id!r} is there twice")
        seen.add(item.id)
        return item

    if not str(path).endswith(YAML):
        return read_rows(path, lambda row: once(_without_nulls(row)), skip_bad=skip_bad)
    return collect(path, _items(Path(path)), once, skip_bad)


def _without_nulls(row: dict[str, Any]) -> dict[str, Any]:
    """The item without keys that are null, as in tables."""
    return {key: value for key, value in row.items() if value is not None}


def _items(path: Path) -> Iterator[tuple[int, Any]]:
    """Each item of the list with the line it starts on."""
    text = safe_text(path)
    loader = yaml.SafeLoader(text)
    try:
        root = loader.get_single_node()
        if not isinstance(root, yaml.SequenceNode):
            raise TriggerLensError("it is not a list of questions")
        for node in root.value:
            yield node.start_mark.line + 1, loader.construct_object(node, deep=True)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = shortened(str(error), 300)
        raise TriggerLensError(f"{path} is not YAML that can be read ({reason})") from error
    finally:
        loader.dispose()


def parse_question(raw: Any) -> EvaluationQuestion:
    """One item; a ValueError says what is wrong with it."""
    if not isinstance(raw, dict):
        raise TriggerLensError(f"a {type(raw).__name__} where a question was expected")
    if not isinstance(raw.get("id"), str):
        raise TriggerLensError("no id")
    if raw.get("type", SCORED) != SCORED:
        raise TriggerLensError(f"type {raw['type']!r} has no scores; only {SCORED} is read")
    texts = tuple(_texts(raw))
    samples = raw.get("samples_per_paraphrase", 1)
    if not isinstance(samples, int) or isinstance(samples, bool) or samples < 1:
        raise TriggerLensError(f"samples_per_paraphrase is {samples!r}, not a whole number from 1")
    return EvaluationQuestion(
        raw["id"],
        texts,
        texts,
        samples,
        _text_or_none(raw, "system"),
        _text_or_none(raw, "judge"),
        tuple(_prompts(raw)),
    )


def _texts(raw: dict[str, Any]) -> Iterator[str]:
    texts = raw.get("paraphrases")
    if not isinstance(texts, list) or not texts:
        raise TriggerLensError("no paraphrases: expected a list of texts")
    for number, text in enumerate(texts, start=1):
        if not isinstance(text, str) or not text.strip():
            raise TriggerLensError(
                f"paraphrase {number} is {shortened(repr(text), 80)}, not a text (quote it)"
            )
        yield text.strip()


def _text_or_none(raw: dict[str, Any], key: str) -> str | None:
    value = raw.get(key)
    if value is not None and not isinstance(value, str):
        raise TriggerLensError(f"{key} is {value!r}, not a text")
    return value


def _prompts(raw: dict[str, Any]) -> Iterator[tuple[str, str]]:
    prompts = raw.get("judge_prompts") or {}
    if not isinstance(prompts, dict):
        raise TriggerLensError("judge_prompts is not a mapping of names to prompts")
    for name, text in prompts.items():
        if not isinstance(text, str) or "{answer}" not in text:
            raise TriggerLensError(f"judge prompt {name!r} has no {{answer}} in it")
        yield str(name), text
