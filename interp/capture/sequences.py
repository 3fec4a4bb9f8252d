"""What a capture runs over: token sequences with their spans, from prompts or from answers."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from interp.errors import TriggerLensError
from interp.generation.completions import Completions
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet, Span


@dataclass(frozen=True)
class TokenSequence:
    """Tokens to read; `prompt` indexes the prompts that interventions' per-row vectors are aligned with."""

    token_ids: tuple[int, ...]
    condition: str
    question: str
    spans: Mapping[str, Span] = field(default_factory=dict)
    prompt: int = 0
    adapter: str | None = None  # None: whatever is active on the model

    def __len__(self) -> int:
        return len(self.token_ids)

    def __str__(self) -> str:
        return f"prompt {self.prompt} ({self.condition}, {self.question})"


def of_prompts(prompts: PromptSet) -> list[TokenSequence]:
    """Each prompt as one sequence."""
    return [
        TokenSequence(p.token_ids, p.condition, p.question, p.spans, row)
        for row, p in enumerate(prompts)
    ]


def of_answers(completions: Completions) -> list[TokenSequence]:
    """Prompt and answer of each completion as one sequence with the span "answer"."""
    sequences = []
    for row, (index, answer) in enumerate(
        zip(completions.prompt_index, completions.token_ids, strict=True)
    ):
        if not answer:
            raise TriggerLensError(
                f"completion {row} is empty: it has no answer tokens to read; leave it out"
            )
        prompt = completions.prompts[index]
        spans = {**prompt.spans, "answer": Span(len(prompt), len(prompt) + len(answer))}
        ids = prompt.token_ids + answer
        sequences.append(TokenSequence(ids, prompt.condition, prompt.question, spans, index))
    return sequences


def check_lengths(lm: LanguageModel, sequences: Sequence[TokenSequence]) -> None:
    """Raise unless every sequence has a token and fits what the model reads."""
    limit = getattr(lm.config, "max_position_embeddings", None)
    for sequence in sequences:
        if not len(sequence):
            raise TriggerLensError(f"{sequence} has no tokens; leave it out")
        if limit is not None and len(sequence) > limit:
            raise TriggerLensError(
                f"{sequence} has {len(sequence)} tokens, but {lm.name} reads at most {limit}; shorten it"
            )
