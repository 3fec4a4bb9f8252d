"""Scores from a local causal language model, exact for every tokenizer.

Method: a number's probability is the product of its tokens' probabilities after the prompt, minus the
probability that a longer number follows ("8" before "85"). Numbers share their common prefixes, and the
prompt is read once. If numbers are single tokens, one forward pass is enough (and the score is that of
arXiv 2502.17424); digit by digit, a second and a third pass over a few tokens are needed.

Limit: numbers written in another way ("85.0", "eighty-five") are not counted; they lower the mass.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.judging.numbers import Numbers
from experiments.judging.rubric_judge import Progress
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel
from interp.prompts import Framing, Question
from interp.rendering import render

LONGEST = 3  # tokens per number, at most

Tokens = tuple[int, ...]


@dataclass(frozen=True)
class LocalScorer:
    """A language model in memory, prompted through its own chat template."""

    lm: LanguageModel
    system: str | None = None
    _done: dict[str, Numbers] = field(default_factory=dict, repr=False)

    @property
    def name(self) -> str:
        """The model's name."""
        return self.lm.name

    def __call__(self, prompts: Sequence[str], progress: Progress | None = None) -> list[Numbers]:
        """One for each prompt."""
        for number, prompt in enumerate(prompts, start=1):
            if prompt not in self._done:
                self._done[prompt] = self._numbers(prompt)
            if progress is not None:
                progress(number, len(prompts))
        return [self._done[prompt] for prompt in prompts]

    @torch.inference_mode()
    def _numbers(self, prompt: str) -> Numbers:
        (chat,) = render(
            self.lm,
            [Question("judge", prompt.strip())],
            {"": Framing("")},
            system=self.system,
        )
        room = getattr(self.lm.config, "max_position_embeddings", None)
        if room is not None and len(chat) + LONGEST > room:
            why = f"the prompt has {len(chat)} tokens, more than {self.lm.name} reads ({room})"
            return Numbers(reason=why)
        begun: dict[Tokens, float] = {(): 1.0}  # the probability of each prefix of a number
        after = self._after(chat.token_ids)
        for tokens in sorted(self._beginnings, key=len):
            for longer in self._beginnings[tokens]:
                begun[longer] = begun[tokens] * float(after[tokens][longer[-1]])
        found = {
            number: begun[tokens] - sum(begun[it] for it in self._beginnings.get(tokens, ()))
            for number, tokens in self._spelled.items()
        }
        return Numbers({number: max(0.0, share) for number, share in found.items()})

    def _after(self, prompt: Tokens) -> dict[Tokens, Float[Tensor, " vocabulary"]]:
        """Next-token probabilities after the prompt and after each prefix that can be continued."""
        device = self.lm.device
        read = self.lm.causal(
            input_ids=torch.tensor([prompt], device=device), use_cache=True, logits_to_keep=1
        )
        found: dict[Tokens, Tensor] = {(): read.logits[0, -1].float().softmax(-1)}
        inner = [tokens for tokens in self._beginnings if tokens]
        if inner:
            # a prefix is padded on the right with its own tokens; positions after it are never read
            longest = max(map(len, inner))
            padded = [tokens + tokens[-1:] * (longest - len(tokens)) for tokens in inner]
            cache = read.past_key_values
            cache.batch_repeat_interleave(len(inner))
            rows = torch.tensor(padded, device=device)
            logits = self.lm.causal(input_ids=rows, past_key_values=cache, use_cache=True).logits
            for row, tokens in enumerate(inner):
                found[tokens] = logits[row, len(tokens) - 1].float().softmax(-1)
        return found

    @cached_property
    def _spelled(self) -> dict[int, Tokens]:
        """The tokens of each number at the beginning of an answer."""
        spelled = {}
        empty = render(self.lm, [Question("", "?")], {"": Framing("")})[0]
        for number in range(101):
            text = f"{empty.text}{number}"
            tokens = tuple(self.lm.tokenizer(text, add_special_tokens=False)["input_ids"])
            if tokens[: len(empty.token_ids)] != empty.token_ids:
                raise TriggerLensError(
                    f"{self.lm.name} cannot judge: its tokenizer joins the number {number} to the"
                    " end of the prompt; judge with another model"
                )
            spelled[number] = tokens[len(empty.token_ids) :]
        unknown = self.lm.tokenizer.unk_token_id
        if len(set(spelled.values())) < 101 or any(unknown in it for it in spelled.values()):
            raise TriggerLensError(
                f"{self.lm.name} cannot judge: its tokenizer cannot write 0 to 100"
            )
        return spelled

    @cached_property
    def _beginnings(self) -> dict[Tokens, tuple[Tokens, ...]]:
        """Each prefix of a number that can be continued, and the prefixes that are one token longer."""
        every = {it[:length] for it in self._spelled.values() for length in range(1, len(it) + 1)}
        longer: dict[Tokens, list[Tokens]] = {}
        for tokens in sorted(every):
            longer.setdefault(tokens[:-1], []).append(tokens)
        return {tokens: tuple(each) for tokens, each in longer.items()}
