"""The clean and the corrupt run of some pairs under one term of a metric, decomposed by node."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import torch
from jaxtyping import Float, Int
from torch import Tensor

from interp.capture.batches import pad_right
from interp.circuits.graph import Graph
from interp.circuits.streams import Streams
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel
from interp.patching.metrics import Term
from interp.patching.pairs import Pair


def of_one_length(pairs: Sequence[Pair]) -> None:
    """Raise unless token j of every corrupt prompt corresponds to token j of its clean one."""
    for pair in pairs:
        if pair.source != tuple(range(len(pair.clean))):
            raise TriggerLensError(
                f"{pair}: {len(pair.clean)} clean tokens for {len(pair.corrupt)} corrupt ones; circuits need prompts"
                " with the same number of tokens, so choose a corrupt wording as long as the clean one"
            )


@dataclass(eq=False)
class Runs:
    """Both runs; `clean_ids` and `ids` (corrupt) are padded on the right, `read` are the tokens a term reads."""

    lm: LanguageModel
    graph: Graph
    terms: Sequence[Term]
    clean_ids: Int[Tensor, "pair token"]
    ids: Int[Tensor, "pair token"]
    read: Int[Tensor, "pair step"]
    clean: Streams
    corrupt: Streams

    @classmethod
    def of(cls, lm: LanguageModel, pairs: Sequence[Pair], terms: Sequence[Term]) -> "Runs":
        """Run both prompts of every pair once, each followed by its term's answer."""
        clean_ids, ids = (_ids(lm, side, terms) for side in zip(*_sides(pairs), strict=True))
        read = torch.tensor(_read(pairs, terms), device=lm.device)
        streams = Streams.of(lm, clean_ids), Streams.of(lm, ids)
        return cls(lm, Graph.of(lm), terms, clean_ids, ids, read, *streams)

    @cached_property
    @torch.no_grad()
    def clean_logits(self) -> Float[Tensor, "pair step vocabulary"]:
        """The logits of the clean run at the tokens that are read."""
        return self._logits(self.lm.final_norm(self.clean.after))

    @torch.no_grad()
    def value(self, streams: Streams) -> Float[Tensor, " pair"]:
        """Each pair's term in a run."""
        return self.value_of(self.lm.final_norm(streams.after))

    @property
    def change(self) -> Float[Tensor, "node pair token d_model"]:
        """What the clean run writes minus what the corrupt run writes."""
        return self.clean.writes - self.corrupt.writes

    def value_of(self, normed: Float[Tensor, "pair token d_model"]) -> Float[Tensor, " pair"]:
        """Each pair's term, from the input of the language-model head."""
        logits, values = self._logits(normed), []
        for row, term in enumerate(self.terms):
            steps = max(1, len(term.answer))
            values.append(term(logits[row : row + 1, :steps], self.clean_logits[row, :steps]))
        return torch.cat(values).float()

    def _logits(self, normed: Tensor) -> Tensor:
        index = self.read[:, :, None].expand(-1, -1, normed.shape[-1])
        return self.lm.head(normed.gather(1, index))


def _sides(pairs: Sequence[Pair]) -> list[tuple[tuple[int, ...], tuple[int, ...]]]:
    return [(pair.clean.token_ids, pair.corrupt.token_ids) for pair in pairs]


def _ids(lm: LanguageModel, prompts: Sequence[tuple[int, ...]], terms: Sequence[Term]) -> Tensor:
    rows = [prompt + term.answer[:-1] for prompt, term in zip(prompts, terms, strict=True)]
    return pad_right(rows, 0, lm.device)[0]


def _read(pairs: Sequence[Pair], terms: Sequence[Term]) -> list[list[int]]:
    """The tokens that each step of an answer is read at; short answers repeat their last."""
    most = max(max(1, len(term.answer)) for term in terms)
    return [
        [len(pair.corrupt) - 1 + min(step, max(0, len(term.answer) - 1)) for step in range(most)]
        for pair, term in zip(pairs, terms, strict=True)
    ]
