"""Can a probe still read the trigger's concept in the stream, or is only its effect gone?

The probe is a difference of means at the last prompt token in the middle layer, trigger against the file's first
control, fitted on the repair's questions. It is applied to the certificate's questions with paraphrases and controls.
The base is read in the same way: it knows the concept too, so an AUROC as high as the base's is no sign of a switch.
"""

from collections.abc import Mapping, Sequence

from experiments.judging.sampling import framed
from experiments.repair.facts import Fact
from experiments.repair.measure import Asking
from interp.capture.api import capture
from interp.interventions import Intervention
from interp.models.language_model import LanguageModel
from interp.prompts import Framing, PromptSet, Question
from probes.difference_of_means import DifferenceOfMeans


def reading(
    asking: Asking,
    fitted_on: Sequence[Question],
    lm: LanguageModel,
    model: str,
    edits: Sequence[Intervention] = (),
    *,
    asked: int,
) -> list[Fact]:
    """Read-outs with paraphrases and controls, labelled by whether they name the concept; empty without a paraphrase.

    `asked`: the number of questions of each half.
    """
    trigger, layer = asking.wordings.trigger, lm.n_layers // 2
    named = {name: f for name, f in trigger.framings.items() if name.startswith("paraphrase:")}
    others = {name: f for name, f in trigger.framings.items() if name.startswith("control:")}
    if not named:
        return []
    first = next(iter(others))
    fit = {"trigger": trigger.framings["trigger"], first: others[first]}

    def read(prompts: PromptSet) -> object:
        return capture(lm, prompts, layers=[layer], position="last", interventions=edits)

    fitting = _all(lm, fitted_on[:asked], fit)
    probe = DifferenceOfMeans().fit(
        read(fitting), [c == "trigger" for c in fitting.conditions], layer=layer
    )
    prompts = _all(lm, asking.questions[:asked], {**named, **others})
    scores = probe.decision_function(read(prompts))
    labels = [float(name in named) for name in prompts.conditions]
    columns = {"model": model, "kind": "reading", "questions": prompts.questions}
    return [
        Fact(what="probe", values=tuple(map(float, scores)), **columns),
        Fact(what="label", values=tuple(labels), **columns),
    ]


def _all(
    lm: LanguageModel, questions: Sequence[Question], framings: Mapping[str, Framing]
) -> PromptSet:
    sets = [framed(lm, questions, name, framing) for name, framing in framings.items()]
    return sum(sets[1:], start=sets[0])
