"""One question to three models side by side: the base, the organism, and the edited organism.

Method:
1. One model is in memory: the organism with its adapter not merged. The base is the same model with the adapter
   disabled.
2. All three sample with the same random numbers, so equal computations give equal answers.
3. Prompt and answer are read again, with the same edit, and every token is projected on every direction: h . v after
   the direction's layer, in median residual norms there.

Limit: one answer does not show how often the model answers like this. A study, `triggerlens gate` and
`triggerlens rates` give rates with intervals.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from threading import Lock

from experiments.guard.live import live_prompts
from experiments.guard.monitor import Monitor
from experiments.live.conversation import (
    BASE,
    COLUMNS,
    EDITED,
    Answer,
    Conversation,
    Edit,
    Sampling,
)
from interp.capture.api import capture
from interp.capture.positions import all_tokens
from interp.directions import Direction, random_like
from interp.errors import TriggerLensError
from interp.generation.generate import generate
from interp.interventions import Ablate, Add, Intervention
from interp.models.adapter_off import adapter_off
from interp.models.language_model import LanguageModel
from interp.prompts import Framing, Prompt, PromptSet

INCOMPLETE = "\ufffd"  # the decoding of an incomplete character
LONGEST = 4  # tokens per character, one for each byte


@dataclass(frozen=True, eq=False)
class Organism:
    """A model with an adapter that can be disabled, directions for edits, a monitor, and wordings for questions."""

    lm: LanguageModel
    directions: Mapping[str, Direction]
    monitor: Monitor | None = None
    wordings: Mapping[str, Framing] = field(default_factory=dict)
    turn: Lock = field(default_factory=Lock)  # edits and disabling the adapter affect the one model

    def __post_init__(self) -> None:
        if not self.directions:
            raise TriggerLensError(
                f"{self.lm.name}: no direction to edit or to project on; give --direction PATH, or --monitor PATH of a"
                " monitor that `triggerlens monitor fit` wrote"
            )
        for direction in self.directions.values():
            direction.check_fits(self.lm)

    def ask(
        self, chats: Conversation, question: str, edit: Edit, sampling: Sampling
    ) -> Iterator[Conversation]:
        """Yield the conversation after each column's answer, base first."""
        if not question.strip():
            raise TriggerLensError("there is no question: write one first")
        chats = chats.then(question.strip())
        for column in COLUMNS:
            chats = self.again(chats, column, edit, sampling)
            yield chats

    def again(
        self, chats: Conversation, column: str, edit: Edit, sampling: Sampling
    ) -> Conversation:
        """The conversation with this column's new answer to the last question; only the edited column uses the edit."""
        edits = self.interventions(edit) if column == EDITED else ()
        off = column == BASE or (column == EDITED and not edit.adapter)
        prompts = live_prompts(self.lm, [chats.chat(column)])
        with self.turn:
            if off:
                with adapter_off(self.lm):
                    answer = self._answer(prompts, edits, sampling)
            else:
                answer = self._answer(prompts, edits, sampling)
        return chats.answered(column, answer)

    def interventions(self, edit: Edit) -> tuple[Intervention, ...]:
        """The interventions of an edit; empty for a dose of 0."""
        direction = self.directions[edit.direction]
        if edit.control:
            (vector,) = random_like(direction, 1, seed=0)
            direction = replace(direction, vector=vector, name="random")
        if edit.ablate:
            return (Ablate(direction),)
        return (Add.from_direction(direction, edit.dose),) if edit.dose else ()

    def _answer(
        self, prompts: PromptSet, edits: tuple[Intervention, ...], sampling: Sampling
    ) -> Answer:
        _check_room(self.lm, prompts[0], sampling.max_new_tokens)
        watch = None if self.monitor is None else self.monitor.watch(self.lm, prompts)
        drawn = generate(
            self.lm,
            prompts,
            max_new_tokens=sampling.max_new_tokens,
            temperature=sampling.temperature,
            seed=sampling.seed,
            interventions=edits if watch is None else (*edits, watch),
        )
        ids = prompts[0].token_ids + drawn.token_ids[0]
        special = set(self.lm.tokenizer.all_special_ids)
        return Answer(
            drawn.texts[0],
            drawn.ended[0],
            pieces(self.lm, ids),
            tuple(token in special for token in ids),
            len(prompts[0]),
            self._projections(replace(prompts[0], token_ids=ids), edits),
            None if watch is None else float(watch.scores[0]),
        )

    def _projections(
        self, read: Prompt, edits: tuple[Intervention, ...]
    ) -> dict[str, tuple[float, ...]]:
        layers = sorted({direction.layer for direction in self.directions.values()})
        stream = capture(
            self.lm, PromptSet((read,)), layers=layers, position=all_tokens, interventions=edits
        )
        return {
            name: tuple((stream.at(each.layer) @ each.vector.float() / each.scale).tolist())
            for name, each in self.directions.items()
        }


def pieces(lm: LanguageModel, ids: Sequence[int]) -> tuple[str, ...]:
    """The text of each token; a character of several tokens is the text of the last one."""
    found: list[str] = []
    held: list[int] = []
    for token in ids:
        held.append(token)
        text = str(lm.tokenizer.decode(held))
        whole = not text.endswith(INCOMPLETE) or len(held) == LONGEST
        found.append(text if whole else "")
        held = [] if whole else held
    return tuple(found)


def _check_room(lm: LanguageModel, prompt: Prompt, new: int) -> None:
    """Raise if prompt and answer together are longer than the model's context."""
    limit = getattr(lm.config, "max_position_embeddings", None)
    if limit is not None and len(prompt) + new > limit:
        raise TriggerLensError(
            f"the chat has {len(prompt)} tokens, and with an answer of {new} it is longer than the {limit} that"
            f" {lm.name} reads; begin a new chat, or allow fewer tokens"
        )
