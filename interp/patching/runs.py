"""Record the clean and corrupt runs of some pairs under one term of a metric, and measure patched cells on them.

A sequence is a prompt followed by the term's answer, without the answer's last token, at which nothing is read.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.capture.hook_points import HookPoint
from interp.models.language_model import LanguageModel
from interp.patching.metrics import Term
from interp.patching.pairs import Pair
from interp.patching.recorded_run import Joining, Recorded, record
from interp.prompts import Prompt


@dataclass(eq=False)
class Sweep:
    """One term for each pair; `clean` and `corrupt` are its values in the unpatched runs."""

    lm: LanguageModel
    pairs: Sequence[Pair]
    terms: Sequence[Term]
    clean_run: Recorded
    corrupt_run: Recorded
    clean: Float[Tensor, " pair"]
    corrupt: Float[Tensor, " pair"]

    @classmethod
    @torch.no_grad()
    def of(
        cls,
        lm: LanguageModel,
        pairs: Sequence[Pair],
        terms: Sequence[Term],
        places: Iterable[HookPoint] = (),
    ) -> "Sweep":
        """Run both prompts of every pair once."""
        kept = list(places)
        clean = _record(lm, [pair.clean for pair in pairs], terms, kept, resumable=False)
        corrupt = _record(lm, [pair.corrupt for pair in pairs], terms, [], resumable=True)
        corrupt.check()
        empty = torch.empty(0)
        sweep = cls(lm, pairs, terms, clean, corrupt, empty, empty)
        everyone = torch.arange(len(pairs), device=lm.device)
        sweep.clean = sweep.measure(clean.logits, everyone)
        sweep.corrupt = sweep.measure(corrupt.logits, everyone)
        return sweep

    def measure(
        self, logits: Float[Tensor, "cell step vocabulary"], owners: Int[Tensor, " cell"]
    ) -> Float[Tensor, " cell"]:
        """The term of each cell's pair."""
        values = logits.new_empty(len(logits), dtype=torch.float32)
        for pair in owners.unique().tolist():
            steps = max(1, len(self.terms[pair].answer))
            mine = (owners == pair).nonzero()[:, 0]
            clean = self.clean_run.logits[pair, :steps]
            values[mine] = self.terms[pair](logits[mine, :steps], clean).float()
        return values

    def patched(
        self, rows: Int[Tensor, " row"], start: int, joining: Joining
    ) -> Float[Tensor, " cell"]:
        """The term of cells that join layer by layer, see `interp.patching.recorded_run.Recorded.run_on`."""
        logits = self.corrupt_run.run_on(rows, start, joining)
        return self.measure(logits, rows.repeat(len(logits) // len(rows)))

    def counterparts(
        self, values: Float[Tensor, "pair clean_token width"]
    ) -> tuple[Float[Tensor, "pair token width"], Bool[Tensor, "pair token"]]:
        """Values of the clean run at the corrupt run's tokens, answers included, and where a counterpart exists."""
        width, rows = self.corrupt_run.width, []
        for pair, term in zip(self.pairs, self.terms, strict=True):
            behind = max(0, len(term.answer) - 1)
            answer = [len(pair.clean) + at for at in range(behind)]
            known = [-1 if at is None else at for at in (*pair.source, *answer)]
            rows.append(known + [-1] * (width - len(known)))
        source = torch.tensor(rows, device=values.device)
        index = source.clamp_min(0)[:, :, None].expand(-1, -1, values.shape[-1])
        return values.gather(1, index), source >= 0


def groups(pairs: Sequence[Pair], layers: int, batch_tokens: int) -> Iterator[slice]:
    """Consecutive pairs, as many at once as fill two batches of cells, so that memory stays bounded."""
    longest = max(len(prompt) for pair in pairs for prompt in (pair.clean, pair.corrupt))
    step = max(1, 2 * batch_tokens // (layers * longest))
    for first in range(0, len(pairs), step):
        yield slice(first, first + step)


def _record(
    lm: LanguageModel,
    prompts: Sequence[Prompt],
    terms: Sequence[Term],
    places: Sequence[HookPoint],
    *,
    resumable: bool,
) -> Recorded:
    sequences = [
        prompt.token_ids + term.answer[:-1] for prompt, term in zip(prompts, terms, strict=True)
    ]
    steps = max(max(1, len(term.answer)) for term in terms)
    read = [
        [min(len(prompt) - 1 + step, len(sequence) - 1) for step in range(steps)]
        for prompt, sequence in zip(prompts, sequences, strict=True)
    ]
    return record(lm, sequences, read, places, resumable=resumable)
