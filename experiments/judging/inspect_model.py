"""Scores from any model of Inspect (`inspect/openai/NAME`), with Inspect's own cache, retries and limits.

Prompts and the use of token probabilities are the same as for a server (`experiments.judging.endpoint`). A model
without token probabilities, or one that writes numbers digit by digit, gives no score, and the reason says so.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from experiments.judging.endpoint import TOKENS, TOP
from experiments.judging.numbers import Numbers, from_candidates
from experiments.judging.rubric_judge import Progress
from experiments.runtime.complaints import shortened
from experiments.runtime.extras import require
from interp.errors import TriggerLensError

PREFIX = "inspect/"
ASKING = {"max_tokens": TOKENS, "temperature": 0, "logprobs": True, "top_logprobs": TOP}


def is_inspect(name: str | None) -> bool:
    """Whether this is the name of an Inspect model."""
    return name is not None and name.startswith(PREFIX)


@dataclass(frozen=True)
class InspectScorer:
    """`model` is a name as for `inspect eval --model`, or a model; replies are cached unless `cache` is false."""

    model: Any
    cache: bool = True

    @classmethod
    def named(cls, name: str) -> "InspectScorer":
        """The model of `inspect/NAME`; an error of one line if there is none."""
        require("inspect", f"the judge {name}")
        from inspect_ai.model import get_model

        try:
            return cls(get_model(name.removeprefix(PREFIX)))
        except Exception as error:  # each provider has its own errors
            said = shortened(" ".join(str(error).split()), 200)
            raise TriggerLensError(
                f"judge {name!r}: Inspect has no such model ({said}); give inspect/PROVIDER/NAME"
            ) from error

    @property
    def name(self) -> str:
        """The model's name in Inspect."""
        return str(self.model)

    def __call__(self, prompts: Sequence[str], progress: Progress | None = None) -> list[Numbers]:
        """One result per prompt; Inspect decides how many are asked at a time."""
        import anyio

        found: dict[int, Numbers] = {}

        async def one(row: int, prompt: str) -> None:
            try:
                found[row] = await asked(self.model, prompt, cache=self.cache)
            except Exception as error:  # after the provider's own retries
                why = shortened(" ".join(str(error).split()), 120)
                found[row] = Numbers(reason=f"no reply ({why})")
            if progress is not None:
                progress(len(found), len(prompts))

        async def every() -> None:
            async with anyio.create_task_group() as group:
                for row, prompt in enumerate(prompts):
                    group.start_soon(one, row, prompt)

        anyio.run(every)
        return [found[row] for row in range(len(prompts))]


async def asked(model: Any, prompt: str, *, cache: bool | None = None) -> Numbers:
    """An Inspect model's answer to one rubric prompt; `cache` None: the evaluation's setting."""
    from inspect_ai.model import GenerateConfig

    how = {} if cache is None else {"cache": cache}
    return numbers(await model.generate(prompt, config=GenerateConfig(**ASKING), **how))


def numbers(output: Any) -> Numbers:
    """The probability of each number from 0 to 100, from the first token's candidates."""
    given = output.choices[0].logprobs if output.choices else None
    content = given.content if given else []
    tokens = [token.token for token in content]
    candidates = [
        [(top.token, top.logprob) for top in token.top_logprobs or ()] for token in content
    ]
    return replace(from_candidates(tokens, candidates), said=output.completion)
