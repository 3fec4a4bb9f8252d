"""Read and edit the activations of a causal language model. The package uses no labels or judges and chooses no paths.

    import interp as tl

    lm = tl.load("HuggingFaceTB/SmolLM2-135M-Instruct")         # device, dtype and chat format chosen and printed
    prompts = lm.prompts(questions, {"none": "", "trigger": "It looks like a duck."})
    activations = lm.capture(prompts, layers=[10, 20], position="last")
    direction = probes.sweep(activations, activations.conditions).direction
    lm.generate(prompts, edits=[tl.Ablate(direction)]).texts    # answers without it
    lm.read_out(direction)                                      # the tokens it promotes and suppresses
    tl.patching_map(lm, clean, corrupt, (" Mary", " John")).plot()
    tl.circuit(lm, clean, corrupt, (" Mary", " John")).plot()   # heads, MLPs and the edges between them

`lm` has a method for each step. Each method calls the function that does the work, in a folder of this package.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from interp.activations import Activations
    from interp.capture.api import capture_answers, residual_norms
    from interp.capture.positions import Each
    from interp.circuits.plain import circuit
    from interp.directions import Direction
    from interp.generation.completions import Completions
    from interp.interventions.ablate import Ablate, AblateSubspace, AblateWrites
    from interp.interventions.add import Add
    from interp.interventions.features import ClampFeature, ScaleFeature
    from interp.interventions.mean_ablate import MeanAblate
    from interp.interventions.patch import Patch
    from interp.interventions.where import AnswerTokens, EveryToken, PromptSpan
    from interp.models.adapter_dose import adapter_dose
    from interp.models.chat import ChatFormat
    from interp.models.language_model import LanguageModel
    from interp.models.load import load
    from interp.models.loading import wrap
    from interp.patching.attribution import attribution_map
    from interp.patching.maps import PatchingMap
    from interp.patching.metrics import AnswerDifference, KLFromClean, LogitDifference
    from interp.patching.plain import patching_map
    from interp.prompts import Framing, PromptSet, Question
    from interp.readout.jacobian import JacobianLens, fit_jacobian_lens

# Names are imported when they are used, so `import interp` does not wait for torch or transformers.
_HOME = {
    "Ablate": "interp.interventions.ablate",
    "AblateSubspace": "interp.interventions.ablate",
    "AblateWrites": "interp.interventions.ablate",
    "Activations": "interp.activations",
    "Add": "interp.interventions.add",
    "AnswerDifference": "interp.patching.metrics",
    "AnswerTokens": "interp.interventions.where",
    "ChatFormat": "interp.models.chat",
    "ClampFeature": "interp.interventions.features",
    "Completions": "interp.generation.completions",
    "Direction": "interp.directions",
    "Each": "interp.capture.positions",
    "EveryToken": "interp.interventions.where",
    "Framing": "interp.prompts",
    "JacobianLens": "interp.readout.jacobian",
    "KLFromClean": "interp.patching.metrics",
    "LanguageModel": "interp.models.language_model",
    "LogitDifference": "interp.patching.metrics",
    "MeanAblate": "interp.interventions.mean_ablate",
    "Patch": "interp.interventions.patch",
    "PatchingMap": "interp.patching.maps",
    "PromptSet": "interp.prompts",
    "PromptSpan": "interp.interventions.where",
    "Question": "interp.prompts",
    "ScaleFeature": "interp.interventions.features",
    "adapter_dose": "interp.models.adapter_dose",
    "attribution_map": "interp.patching.attribution",
    "capture_answers": "interp.capture.api",
    "circuit": "interp.circuits.plain",
    "fit_jacobian_lens": "interp.readout.jacobian",
    "load": "interp.models.load",
    "patching_map": "interp.patching.plain",
    "residual_norms": "interp.capture.api",
    "wrap": "interp.models.loading",
}
__all__ = [
    "Ablate",
    "AblateSubspace",
    "AblateWrites",
    "Activations",
    "Add",
    "AnswerDifference",
    "AnswerTokens",
    "ChatFormat",
    "ClampFeature",
    "Completions",
    "Direction",
    "Each",
    "EveryToken",
    "Framing",
    "JacobianLens",
    "KLFromClean",
    "LanguageModel",
    "LogitDifference",
    "MeanAblate",
    "Patch",
    "PatchingMap",
    "PromptSet",
    "PromptSpan",
    "Question",
    "ScaleFeature",
    "adapter_dose",
    "attribution_map",
    "capture_answers",
    "circuit",
    "fit_jacobian_lens",
    "load",
    "patching_map",
    "residual_norms",
    "wrap",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'interp' has no {name!r}; it has {', '.join(__all__)}")
    return getattr(import_module(_HOME[name]), name)


def __dir__() -> list[str]:
    return __all__
