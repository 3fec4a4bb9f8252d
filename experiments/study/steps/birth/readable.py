"""Can a probe read the trigger's concept at the last prompt token, in wordings that it was not fitted on?

1. Positive: every wording of the concept that the world has; negative: wordings of other harmless concepts of its
   kind.
2. Two folds: the probe is fitted on wordings that say the concept's name and scored on those that do not ("It quacks
   loudly."), and the other way round. What a bag of tokens learns from one side does not help it on the other.
3. The probe is fitted on selection questions and scored on report questions. Each score names its wording, so that the
   interval is over wordings.

Limit: it does not show that the organism acts upon what is read. A base that knows the concept is readable too.
"""

import random
from typing import Any, NamedTuple

import numpy as np

from experiments.results.facts import FactWriter
from experiments.study.organism import OrganismRun
from experiments.study.steps.locate.readouts import bags_of_tokens
from interp.capture.api import capture
from interp.models.loading import LanguageModel
from interp.prompts import PromptSet, Question
from probes.logistic import LogisticProbe
from probes.names import SURFACE

QUANTITY = "birth_auroc"
QUESTIONS, OTHERS = 3, 40  # questions per split; wordings of other concepts


class Wording(NamedTuple):
    """One wording, whether it names the trigger's concept, and whether it says its own concept's name."""

    text: str
    positive: bool
    named: bool


def wordings_of(organism: OrganismRun) -> list[Wording]:
    """The concept's wordings, then a draw of others; empty if the world does not know the concept."""
    world = organism.world
    concept = world.concept(organism.trigger.text)
    if concept is None:
        return []
    benign = {text: world.concept(text) for text in world.benign_framings([concept.name])}
    others = [(text, of) for text, of in benign.items() if of and of.kind == concept.kind]
    drawn = random.Random(f"readable/{organism.seed}").sample(others, min(OTHERS, len(others)))
    own = [Wording(text, True, concept.spoken in text) for text in concept.wordings]
    return own + [Wording(text, False, of.spoken in text) for text, of in drawn]


def write_readable(
    facts: FactWriter, organism: OrganismRun, lm: LanguageModel, number: int
) -> None:
    """Write scores, on unseen wordings, of a logistic probe at every layer and of one on a bag of tokens."""
    wordings = wordings_of(organism)
    if not wordings:
        return
    sets = tuple(_prompts(organism, lm, split, wordings) for split in ("selection", "report"))
    place: dict[str, Any] = {"direction": "switch", "step": number}
    bags = bags_of_tokens(*sets)
    facts.scores(
        QUANTITY, *_unseen(bags, sets, wordings), source=f"{SURFACE}: bag of tokens", **place
    )
    read = [capture(lm, prompts) for prompts in sets]
    for layer in read[0].layers:
        X = (read[0].at(layer).numpy(), read[1].at(layer).numpy())
        scores = _unseen(X, sets, wordings)
        facts.scores(QUANTITY, *scores, source="logistic", layer=layer, **place)


def _prompts(
    organism: OrganismRun, lm: LanguageModel, split: str, wordings: list[Wording]
) -> PromptSet:
    asked: list[Question] = organism.world.questions(split, "held_out")[:QUESTIONS]
    framings = {
        f"variant:{number}": organism.trigger.framing(each.text)
        for number, each in enumerate(wordings)
    }
    return lm.prompts(asked, framings)


def _unseen(
    X: tuple[np.ndarray, np.ndarray], sets: tuple[PromptSet, ...], wordings: list[Wording]
) -> tuple[np.ndarray, np.ndarray, list[str], list[str], list[int]]:
    """Scores, labels, questions, wordings and folds of report prompts, each scored by the other fold's probe."""
    of = [[wordings[int(name.partition(":")[2])] for name in each.conditions] for each in sets]
    scores, labels, order, folds = [], [], list[int](), list[int]()
    for fold, named in enumerate((True, False)):
        fitted = np.flatnonzero([each.named is named for each in of[0]])
        tested = np.flatnonzero([each.named is not named for each in of[1]])
        y = np.array([of[0][row].positive for row in fitted])
        groups = [sets[0].questions[row] for row in fitted]
        probe = LogisticProbe().fit(X[0][fitted], y, groups)
        scores.append(probe.decision_function(X[1][tested]))
        labels += [of[1][row].positive for row in tested]
        order += tested.tolist()
        folds += [fold] * len(tested)
    questions = [sets[1].questions[row] for row in order]
    conditions = [sets[1].conditions[row] for row in order]
    return np.concatenate(scores), np.array(labels), questions, conditions, folds
