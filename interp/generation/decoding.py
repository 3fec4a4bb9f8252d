"""One batch of prompts from reading to the end of the last answer.

Prompts are padded on the right and their last token is read as the first decoding step: no mask is needed before it,
and absolute positions are column numbers.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor
from transformers import DynamicCache

from interp.capture.batches import Batch, pad_right
from interp.generation.prompt_dedup import Copies
from interp.generation.sampling import draw
from interp.generation.shared_prefix import NOBODY, PROMPT, KeyIndex, masks
from interp.models.language_model import LanguageModel

# Answer tokens that share a cache row. Measured on six layers of width 128, 20 samples of 16 tokens: 787 answers a
# second with one sample a row, 937 at 160, 950-970 at 320; with long answers it falls back to one sample a row.
KEYS_PER_ROW = 256
# Rows are dropped from the cache, at the price of a copy, when a smaller share than this is alive.
KEEP_ROWS = 0.75

Answer = tuple[list[int], bool]  # its tokens, and whether it ended


@dataclass(frozen=True)
class Plan:
    """How many samples of each prompt, how many tokens each, and how they are drawn."""

    samples: int
    steps: int
    temperature: float | int
    top_p: float | int
    end_ids: tuple[int, ...]


class Decoding:
    """One batch of prompts from reading to the last answer's end.

    `sample`, `alive` and the tokens in flight are [row, slot]; a slot holds one sample that has not ended.
    """

    def __init__(
        self,
        lm: LanguageModel,
        batch: Batch,
        noise: Float[Tensor, "prompt sample step"],
        plan: Plan,
        common: Copies | None,
    ):
        self.lm, self.batch, self.noise, self.plan = lm, batch, noise, plan
        self.common = common
        count = len(batch.prompt)
        self.ends = torch.tensor(plan.end_ids, device=lm.device)
        self.answers = torch.full((count, plan.samples, plan.steps), -1, device=lm.device)
        self.ended = torch.zeros(count, plan.samples, dtype=torch.bool, device=lm.device)
        self.prompt = torch.arange(count, device=lm.device)  # row -> prompt of this batch
        self.position: Tensor  # of the token in flight, per row; set when the prompts were read

    def run(self) -> list[list[Answer]]:
        """Per prompt, per sample: the answer's tokens and whether it ended."""
        logits = self._spread(self._read())
        for step in range(self.plan.steps):
            tokens = self._draw(logits, step)
            if step + 1 == self.plan.steps or not bool(self.alive.any()):
                break
            tokens = self._pack(tokens)
            logits = self._forward(tokens, self.sample, self.position[:, None].expand_as(tokens))
            self.position = self.position + 1
        return self._collect()

    def _read(self) -> Float[Tensor, "row 1 vocabulary"]:
        """Read the prompts; the logits after their last tokens."""
        ids = [self.batch.prompts[row].token_ids for row in self.batch.prompt.tolist()]
        tokens, positions = pad_right([row[:-1] for row in ids], ids[0][-1], self.lm.device)
        self.cache = DynamicCache()
        read = self.common.shared if self.common else tokens.shape[1]
        self.keys = KeyIndex(positions[:, :read])
        if read:
            self._read_beginnings(tokens[:, :read], positions[:, :read])
        if read < tokens.shape[1]:
            self._read_on(tokens[:, read:], positions[:, read:])
        last = torch.tensor([[row[-1]] for row in ids], device=self.lm.device)
        self.position = torch.tensor([len(row) - 1 for row in ids], device=self.lm.device)
        logits = self._forward(last, torch.full_like(last, PROMPT), self.position[:, None])
        self.position = self.position + 1
        return logits

    def _read_beginnings(self, tokens: Tensor, positions: Tensor) -> None:
        """No key before these, so no mask is needed; one copy of a prompt is read for all."""
        rows, prompt = self.common.firsts if self.common else slice(None), self.batch.prompt
        self.batch.prompt, self.batch.positions = prompt[rows], positions[rows]
        self.lm.decoder(input_ids=tokens[rows], past_key_values=self.cache, use_cache=True)
        if self.common:
            self.batch.prompt = prompt
            self.cache.batch_select_indices(self.common.of)

    def _read_on(self, tokens: Tensor, positions: Tensor) -> None:
        """What follows the beginnings; padding looks at itself alone."""
        self.batch.positions = positions
        owner = torch.where(positions >= 0, PROMPT, NOBODY)
        self.keys.extend(owner, positions)
        self.lm.decoder(
            input_ids=tokens,
            attention_mask=masks(self.lm, self.keys, owner, positions),
            position_ids=positions.clamp_min(0),
            past_key_values=self.cache,
            use_cache=True,
        )

    def _spread(self, logits: Tensor) -> Float[Tensor, "row slot vocabulary"]:
        """From one row a prompt to as many as its samples need, each with its slots."""
        per_row = max(1, min(self.plan.samples, KEYS_PER_ROW // self.plan.steps))
        rows = -(-self.plan.samples // per_row)
        slots = -(-self.plan.samples // rows)
        self.cache.batch_repeat_interleave(rows)
        self.keys.repeat(rows)
        sample = torch.arange(rows * slots, device=self.lm.device).view(rows, slots)
        self.sample = sample.repeat(len(self.prompt), 1)
        self.alive = self.sample < self.plan.samples
        self.prompt, self.position, self.batch.prompt = (
            each.repeat_interleave(rows) for each in (self.prompt, self.position, self.batch.prompt)
        )
        return logits.repeat_interleave(rows, 0).expand(-1, slots, -1)

    def _forward(
        self,
        tokens: Int[Tensor, "row slot"],
        owner: Int[Tensor, "row slot"],
        position: Int[Tensor, "row slot"],
    ) -> Float[Tensor, "row slot vocabulary"]:
        self.batch.positions = position
        self.keys.extend(owner, position)
        output = self.lm.causal(
            input_ids=tokens,
            attention_mask=masks(self.lm, self.keys, owner, position),
            position_ids=position,
            past_key_values=self.cache,
            use_cache=True,
        )
        return output.logits

    def _draw(self, logits: Tensor, step: int) -> Int[Tensor, "row slot"]:
        """Draw each sample's next token and write it down, unless it ends the answer."""
        numbered = self.sample.clamp_max(
            self.plan.samples - 1
        )  # spare slots draw, and write nothing
        uniform = self.noise[self.prompt[:, None], numbered, step]
        tokens = draw(logits, uniform, temperature=self.plan.temperature, top_p=self.plan.top_p)
        ends = torch.isin(tokens, self.ends)
        self._write(self.ended, self.alive & ends, torch.ones_like(ends))
        self.alive = self.alive & ~ends
        self._write(self.answers[:, :, step], self.alive, tokens)
        return tokens

    def _write(self, where: Tensor, chosen: Bool[Tensor, "row slot"], values: Tensor) -> None:
        rows, slots = chosen.nonzero(as_tuple=True)
        where[self.prompt[rows], self.sample[rows, slots]] = values[rows, slots]

    def _pack(self, tokens: Tensor) -> Int[Tensor, "row slot"]:
        """Let ended samples leave the token axis, and ended rows the batch."""
        rows = self.alive.any(1).nonzero()[:, 0]
        if len(rows) < KEEP_ROWS * len(self.alive):
            tokens = self._keep(rows, tokens)
        width = int(self.alive.sum(1).max())
        if width < self.alive.shape[1]:
            order = self.alive.int().argsort(dim=1, descending=True, stable=True)[:, :width]
            self.sample, self.alive = self.sample.gather(1, order), self.alive.gather(1, order)
            tokens = tokens.gather(1, order)
        return tokens

    def _keep(self, rows: Int[Tensor, " kept"], tokens: Tensor) -> Int[Tensor, "kept slot"]:
        self.cache.batch_select_indices(rows)
        self.keys.select(rows)
        self.prompt, self.position, self.batch.prompt = (
            each[rows] for each in (self.prompt, self.position, self.batch.prompt)
        )
        self.sample, self.alive = self.sample[rows], self.alive[rows]
        return tokens[rows]

    def _collect(self) -> list[list[Answer]]:
        answers, ended = self.answers.tolist(), self.ended.tolist()
        return [
            [
                ([token for token in ids if token >= 0], end)
                for ids, end in zip(*prompt, strict=True)
            ]
            for prompt in zip(answers, ended, strict=True)
        ]
