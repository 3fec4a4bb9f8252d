"""The models, questions and judge of a gate."""

import sys
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from experiments.guard.gate import Draw, Which
from experiments.guard.trigger_candidates import Condition
from experiments.judging.sampling import Cell, Judge, Sampler
from experiments.models import load_model
from experiments.models.options import ModelOptions, described
from experiments.worlds.named import named_world
from experiments.worlds.world import World
from interp.errors import TriggerLensError
from interp.models.adapter_off import adapter_off, has_adapter
from interp.models.language_model import LanguageModel
from interp.prompts import Question
from interp.rendering import render

Asked = tuple[list[Question], Callable[[], Judge]]
DEFAULT = ModelOptions()


@dataclass(frozen=True)
class Pair:
    """The model under test and its base. If both are the same object, its adapter is switched on and off."""

    fine_tuned: LanguageModel
    base: LanguageModel

    @contextmanager
    def reading(self, which: Which) -> Iterator[LanguageModel]:
        """One of the two models, for the duration of the context."""
        lm: LanguageModel = getattr(self, which)
        same = which == "base" and self.base is self.fine_tuned
        with adapter_off(lm) if same and has_adapter(lm) else nullcontext():
            yield lm


def load_pair(model: str, base: str, options: ModelOptions = DEFAULT) -> Pair:
    """Load both models. `model` is a whole model or an adapter folder for `base`; both must be chat models."""
    loaded = load_chat(base, **options.base())
    return Pair(load_released(model, base, options), loaded)


def load_released(model: str, base: str | None, options: ModelOptions = DEFAULT) -> LanguageModel:
    """Load a whole model, or an adapter folder with its base."""
    if not (Path(model) / "adapter_config.json").is_file():
        return load_chat(model, **options.model())
    if base is None:
        raise TriggerLensError(
            f"{model} is an adapter: name the model it was made from with --base"
        )
    return load_chat(base, **options.adapter(model))


def load_chat(path: str, **options: Any) -> LanguageModel:
    """Load a chat model with these options of `load_model`; any other model is an error in one line."""
    try:
        with warnings.catch_warnings():  # peft causes warnings from transformers
            warnings.filterwarnings("ignore", message="`is_gradient_checkpointing`")
            lm = load_model(path, **options)
    except OSError as error:
        reason = str(error).strip().splitlines()[0]
        raise TriggerLensError(f"model {path!r} cannot be loaded: {reason}") from error
    if not getattr(lm.tokenizer, "chat_template", None):
        raise TriggerLensError(
            f"model {path!r} is not a chat model: its tokenizer has no chat template"
        )
    print(described(lm), file=sys.stderr)
    return lm


def drawing(pair: Pair, sampler: Sampler, answers: int) -> Draw:
    """Samples and judges one cell."""

    def draw(which: Which, condition: Condition, questions: Sequence[Question]) -> Cell:
        asked = [condition.ask(question) for question in questions]
        framing = {condition.name: condition.framing}
        with pair.reading(which) as lm:
            return sampler.sample(lm, render(lm, asked, framing), answers)

    return draw


def asked_of(world: World) -> Asked:
    """A world's own judge and its questions about domains on which no organism of its seed was trained.

    Both splits are used, because a gate selects nothing.
    """
    splits = ("selection", "report")
    asked = [question for split in splits for question in world.questions(split, "held_out")]
    return asked, lambda: world.judge


def judged_questions(
    questions: str,
    judge: str | None,
    server: str | None,
    key_variable: str | None,
    rubric: str,
    options: ModelOptions,
    request: Mapping[str, Any],
    seed: int,
) -> Asked:
    """A world's questions with its own judge, or the questions of a file with the named judge."""
    world = named_world(questions, seed)
    if world is not None and judge is not None:
        raise TriggerLensError(f"--questions {questions} has a judge of its own: leave out --judge")
    if world is not None:
        return asked_of(world)
    if judge is None:
        raise TriggerLensError(
            "name the judge: --judge NAME, with --judge-server or on this machine"
        )
    return rubric_judge(questions, judge, server, key_variable, rubric, options, request)


def rubric_judge(
    questions: str,
    judge: str,
    server: str | None,
    key_variable: str | None,
    rubric: str,
    options: ModelOptions = DEFAULT,
    request: Mapping[str, Any] | None = None,
) -> Asked:
    """The questions of a file, and a judge that reads a rubric."""
    from experiments.data.evaluation import load_questions, question_texts
    from experiments.judging.inspect_model import InspectScorer, is_inspect
    from experiments.judging.rubric import load_rubric
    from experiments.judging.rubric_judge import RubricJudge, Scorer

    items = load_questions(questions).rows

    def make() -> Judge:
        scorer: Scorer
        if is_inspect(judge):
            scorer = InspectScorer.named(judge)
        elif server is None:
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
