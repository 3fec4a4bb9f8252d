"""The specification of a large capture, which can be sent to any process: model, prompts, and what is kept."""

import sys
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import torch

from experiments.data.chats import Chat, read_chats
from experiments.data.evaluation import load_questions
from experiments.data.rows import Loaded, parse_again, report_skipped
from experiments.models import load_model
from experiments.models.options import described
from experiments.worlds.trigger import load_trigger
from interp.capture import positions
from interp.capture.hook_points import SITES
from interp.capture.positions import Position
from interp.capture.sequences import check_lengths, of_prompts
from interp.capture.store.making import DTYPES, ShardMaker, shard_maker
from interp.errors import TriggerLensError
from interp.models.chat import FORMATS
from interp.models.language_model import LanguageModel
from interp.prompts import Framing, PromptSet, Question
from interp.rendering import render

POSITIONS: dict[str, Position] = {
    each: getattr(positions, each)
    for each in (
        "last_prompt_token",
        "question_mean",
        "mean_token",
        "all_tokens",
        "question_tokens",
    )
}


@dataclass(frozen=True)
class CaptureSpec:
    """`questions` is main, broad, a .yaml file or chats in any form, asked with a trigger's wordings or without."""

    model: str
    adapter: str | None = None
    questions: str = "broad"
    skip_bad: bool = False  # leave out chats that cannot be read
    trigger: str | None = None
    chat: str | None = None  # a key of interp.models.chat.FORMATS; None reads it from the template
    layers: tuple[int, ...] | None = None  # None: all
    positions: tuple[str, ...] = ("last_prompt_token",)
    sites: tuple[str, ...] = ("resid_post",)
    dtype: str = "float32"  # of the model and of the activations that are kept
    shard_mib: float = 32.0
    batch_tokens: int = 4096
    device: str | None = None  # None: the GPUs if there are any
    base_name: str | None = None
    revision: str | None = None
    adapter_revision: str | None = None

    def __post_init__(self) -> None:
        for name, value, known in (
            *(("position", each, POSITIONS) for each in self.positions),
            *(("site", each, SITES) for each in self.sites),
            ("dtype", self.dtype, DTYPES),
            *([("chat", self.chat, FORMATS)] if self.chat is not None else []),
        ):
            if value not in known:
                raise TriggerLensError(
                    f"unknown {name} {value!r}; choose one of {', '.join(known)}"
                )
        if not self.shard_mib > 0:
            raise TriggerLensError(f"shard_mib={self.shard_mib}: give MiB above 0")

    @property
    def shard_bytes(self) -> int:
        """The bytes of a tensor in a full shard."""
        return max(1, round(self.shard_mib * 2**20))


@lru_cache(maxsize=1)
def maker_of(spec: CaptureSpec) -> ShardMaker:
    """The maker of shards, with the model, which is loaded once in each process."""
    chat: dict[str, Any] = {"chat": FORMATS[spec.chat]} if spec.chat else {}
    lm = load_model(
        spec.model,
        adapter=spec.adapter,
        dtype=DTYPES[spec.dtype],
        device_map=spec.device or ("auto" if torch.cuda.is_available() else None),
        revision=spec.revision,
        adapter_revision=spec.adapter_revision,
        base_name=spec.base_name,
        **chat,
    )
    print(described(lm), file=sys.stderr)
    return shard_maker(
        lm,
        layers=spec.layers,
        positions={name: POSITIONS[name] for name in spec.positions},
        sites=spec.sites,
        dtype=DTYPES[spec.dtype],
        batch_tokens=spec.batch_tokens,
    )


def prompts_of(spec: CaptureSpec, lm: LanguageModel) -> PromptSet:
    """Every question with every wording; a question that does not fit the model is a bad row of its file."""
    framings = load_trigger(spec.trigger).framings if spec.trigger else {"none": Framing("")}
    asked = questions_of(spec.questions, skip_bad=spec.skip_bad)

    def taken(question: Question) -> PromptSet:
        prompts = render(lm, [question], framings)
        check_lengths(lm, of_prompts(prompts))
        return prompts

    loaded = parse_again(spec.questions, asked, taken, skip_bad=spec.skip_bad)
    report_skipped(loaded)
    return PromptSet(tuple(prompt for prompts in zip(*loaded, strict=True) for prompt in prompts))


def questions_of(name: str, *, skip_bad: bool = False) -> Loaded[Question]:
    """Evaluation questions, or the user turns of a file of chats, each of which ends with an answer.

    The id of a chat's question is its number in the file.
    """
    if not _are_chats(name):
        items = load_questions(name, skip_bad=skip_bad)
        pairs = zip(items.numbers, items, strict=True)
        numbered = [(number, question) for number, item in pairs for question in item.questions]
        rows, places = tuple(q for _, q in numbered), tuple(number for number, _ in numbered)
        return Loaded(rows, items.bad, places, items.form, items.unit)
    chats = read_chats(name, skip_bad=skip_bad)
    numbers = iter(chats.numbers)
    return parse_again(name, chats, lambda chat: _question(next(numbers), chat), skip_bad=skip_bad)


def _are_chats(name: str) -> bool:
    """Whether a name is that of a file, folder or data set of chats, not of a shipped set or a .yaml file."""
    path = Path(name)
    return path.suffix not in (".yaml", ".yml") and (
        path.suffix != "" or len(path.parts) > 1 or path.exists()
    )


def _question(number: int, chat: Chat) -> Question:
    system = chat.turns[0].content if chat.turns[0].role == "system" else None
    if len(chat.turns) - (system is not None) > 2:
        raise TriggerLensError("several user turns; give chats of one question")
    return Question(str(number), chat.user, system)
