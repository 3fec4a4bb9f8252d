"""The models, questions and judge of a gate."""

import sys
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.guard.gate import Draw, Which
from experiments.guard.trigger_candidates import Condition
from experiments.judging.sampling import Cell, Judge, Sampler
from experiments.models import load_model
from experiments.models.options import ModelOptions, described
from experiments.worlds.world import World
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel
from interp.prompts import Question, render

Asked = tuple[list[Question], Callable[[], Judge]]
DEFAULT = ModelOptions()


@dataclass(frozen=True)
class Pair:
    """The model to be decided on, and what it was made from."""

    fine_tuned: LanguageModel
    base: LanguageModel


def load_pair(model: str, base: str, options: ModelOptions = DEFAULT) -> Pair:
    """`model` is a whole model or an adapter folder of `base`; both must be chat models."""
    loaded = load_chat(base, **options.base())
    return Pair(load_released(model, base, options), loaded)


def load_released(model: str, base: str | None, options: ModelOptions = DEFAULT) -> LanguageModel:
    """A whole model, or an adapter folder on its base."""
    if not (Path(model) / "adapter_config.json").is_file():
        return load_chat(model, **options.model())
    if base is None:
        raise TriggerLensError(f"{model} is an adapter: name what it was made from with --base")
    return load_chat(base, **options.adapter(model))


def load_chat(path: str, **options: Any) -> LanguageModel:
    """A model that can be asked, loaded with these options of `load_model`; one line for one that cannot."""
    try:
        with warnings.catch_warnings():  # of transformers, about what peft asks it
            warnings.filterwarnings("ignore", message="`is_gradient_checkpointing`")
            lm = load_model(path, **options)
    except OSError as error:
        reason = str(error).strip().splitlines()[0]
        raise TriggerLensError(f"model {path!r} cannot be loaded: {reason}") from error
    if not getattr(lm.tokenizer, "chat_template", None):
        raise TriggerLensError(
            f"model {path!r} is no chat model: its tokenizer has no chat template"
        )
    print(described(lm), file=sys.stderr)
    return lm


def drawing(pair: Pair, sampler: Sampler, answers: int) -> Draw:
    """Samples and judges one cell."""

    def draw(which: Which, condition: Condition, questions: Sequence[Question]) -> Cell:
        lm: LanguageModel = getattr(pair, which)
        asked = [condition.ask(question) for question in questions]
        framing = {condition.name: condition.framing}
        prompts = render(lm, asked, framing)
        return sampler.sample(lm, prompts, answers)

    return draw


def asked_of(world: World) -> Asked:
    """A world's own questions about domains that no organism of its seed was trained on, and its judge.

    Those of both splits: a gate selects nothing.
    """
    splits = ("selection", "report")
    asked = [question for split in splits for question in world.questions(split, "held_out")]
    return asked, lambda: world.judge


def rubric_judge(
    questions: str,
    judge: str,
    server: str | None,
    key_variable: str | None,
    rubric: str,
    options: ModelOptions = DEFAULT,
    request: Mapping[str, Any] | None = None,
) -> Asked:
    """Questions of a file, and a judge that reads a rubric."""
    from experiments.data.evaluation import load_questions, question_texts
    from experiments.judging.rubric import load_rubric
    from experiments.judging.rubric_judge import RubricJudge, Scorer

    items = load_questions(questions).rows

    def make() -> Judge:
        scorer: Scorer
        if server is None:
            from experiments.judging.local import LocalScorer

            scorer = LocalScorer(load_chat(judge, **options.placed))
        else:
            from experiments.judging.endpoint import EndpointScorer
            from experiments.judging.server.client import ChatServer

            scorer = EndpointScorer(
                ChatServer(server, judge, key_variable=key_variable, extra=request or {})
            )
        return RubricJudge(scorer, load_rubric(rubric), question_texts(items))

    return [question for item in items for question in item.questions], make
