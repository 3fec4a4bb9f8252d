"""Decode one batch of prompts, from reading them to the end of the last answer.

Prompts are padded on the right and their last token is read as the first decoding step: no mask is needed before it,
and absolute positions are column numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from interp.capture.batches import Batch, pad_right
from interp.generation.growing_cache import growing_cache
from interp.generation.sampling import draw
from interp.generation.shared_beginnings import Stage
from interp.generation.shared_prefix import NOBODY, PROMPT, KeyIndex, masks
from interp.models.language_model import LanguageModel

# Answer tokens that share a cache row. Measured on six layers of width 128, 20 samples of 16 tokens: 787 answers a
# second with one sample a row, 937 at 160, 950-970 at 320; with long answers it falls back to one sample a row.
KEYS_PER_ROW = 256
# Rows are dropped from the cache, at the cost of a copy, when a smaller share than this is alive.
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
    """Reads one batch of prompts and decodes all of its answers.

    `sample`, `alive` and the tokens in flight are [row, slot]; a slot holds one sample that has not ended.
    """

    def __init__(
        self,
        lm: LanguageModel,
        batch: Batch,
        noise: Float[Tensor, "prompt sample step"],
        plan: Plan,
        stages: Sequence[Stage],
    ):
        self.lm, self.batch, self.noise, self.plan = lm, batch, noise, plan
        self.stages = stages
        count = len(batch.prompt)
        self.ends = torch.tensor(plan.end_ids, device=lm.device)
        self.answers = torch.full((count, plan.samples, plan.steps), -1, device=lm.device)
        self.ended = torch.zeros(count, plan.samples, dtype=torch.bool, device=lm.device)
        self.prompt = torch.arange(count, device=lm.device)  # row -> prompt of this batch
        self.position: Tensor  # of the token in flight, per row; set once the prompts are read

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
        self.cache = growing_cache(self._slots()[1] * self.plan.steps)
        self.keys = KeyIndex(positions[:, :0])
        self._read_stages(tokens, positions)
        last = torch.tensor([[row[-1]] for row in ids], device=self.lm.device)
        self.position = torch.tensor([len(row) - 1 for row in ids], device=self.lm.device)
        logits = self._forward(last, torch.full_like(last, PROMPT), self.position[:, None])
        self.position = self.position + 1
        return logits

    def _read_stages(self, tokens: Tensor, positions: Tensor) -> None:
        """Read all tokens but each row's last; beginnings that rows share are read once."""
        prompt, start = self.batch.prompt, 0
        of = torch.arange(len(prompt), device=prompt.device)
        for stage in self.stages:
            rows = stage.firsts
            self._select(of[rows])
            self.batch.prompt, self.batch.shared_by = prompt[rows], (prompt, stage.of)
            self._read_on(tokens[rows, start : stage.stop], positions[rows, start : stage.stop])
            start, of = stage.stop, stage.of
        self.batch.prompt, self.batch.shared_by = prompt, None
        self._select(of)

    def _read_on(self, tokens: Tensor, positions: Tensor) -> None:
        """Read tokens that follow those in the cache; padding attends only to padding. The first ones need no mask."""
        self.batch.positions = positions
        owner = torch.where(positions >= 0, PROMPT, NOBODY)
        begun = self.keys.position.shape[1] > 0
        self.keys.extend(owner, positions)
        where: dict[str, Any] = {}
        if begun:
            mask = masks(self.lm, self.keys, owner, positions)
            where = {"attention_mask": mask, "position_ids": positions.clamp_min(0)}
        self.lm.decoder(input_ids=tokens, past_key_values=self.cache, use_cache=True, **where)

    def _select(self, rows: Int[Tensor, " row"]) -> None:
        """Keep these rows of the cache, in this order."""
        if rows.tolist() != list(range(len(self.keys.position))):
            self.cache.batch_select_indices(rows)
            self.keys.select(rows)

    def _slots(self) -> tuple[int, int]:
        """Rows that a prompt's samples take, and samples side by side in each."""
        per_row = max(1, min(self.plan.samples, KEYS_PER_ROW // self.plan.steps))
        rows = -(-self.plan.samples // per_row)
        return rows, -(-self.plan.samples // rows)

    def _spread(self, logits: Tensor) -> Float[Tensor, "row slot vocabulary"]:
        """Expand from one row per prompt to as many as its samples need, each with its slots."""
        rows, slots = self._slots()
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
        output = self.lm.decoder(
            input_ids=tokens,
            attention_mask=masks(self.lm, self.keys, owner, position),
            position_ids=position,
            past_key_values=self.cache,
            use_cache=True,
        )
        return self.lm.head(output.last_hidden_state)

    def _draw(self, logits: Tensor, step: int) -> Int[Tensor, "row slot"]:
        """Draw each sample's next token and write it down, unless it ends the answer."""
        numbered = self.sample.clamp_max(
            self.plan.samples - 1
        )  # spare slots draw tokens that are discarded
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
        """Remove ended samples from the token axis, and rows without live samples from the batch."""
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
