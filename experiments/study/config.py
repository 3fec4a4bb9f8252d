"""The configuration of a study, read from TOML. The error for a wrong key, family, arm or trigger lists the choices."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    model_validator,
)

from experiments.runtime.complaints import complaint
from experiments.runtime.toml_files import load_toml
from experiments.study.steps.sparse.settings import Features
from experiments.training.recipe import Recipe
from experiments.worlds.chat.arms import mix
from experiments.worlds.chat.config import ChatStudy, OwnOrganism, published_recipe
from experiments.worlds.everyday.arms import ARMS as EVERYDAY_ARMS
from experiments.worlds.everyday.arms import recipe_of as everyday_recipe
from experiments.worlds.everyday.arms import shares_of
from experiments.worlds.everyday.config import EverydayStudy
from experiments.worlds.micro.arms import ARMS, is_arm, recipe_of
from experiments.worlds.micro.names import FAMILY_NAMES
from experiments.worlds.nulls.arms import NULL_ARMS, NULL_RECIPES
from experiments.worlds.trigger import load_trigger
from interp.errors import TriggerLensError

FOLDER = Path(__file__).parents[1] / "configs"
MICRO_ARMS = (*ARMS, *NULL_ARMS)


def _loadable(trigger: str) -> str:
    load_trigger(trigger)
    return trigger


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OrganismSpec(_Frozen):
    """One organism for every family and seed; `seeds` and `families` restrict it to some of the study's.

    `organism` names one that was made elsewhere; it is studied as it is, without fine-tuning.
    """

    arm: str
    trigger: Annotated[str, AfterValidator(_loadable)] = "duck"
    seeds: tuple[int, ...] | None = None
    families: tuple[str, ...] | None = None
    organism: OwnOrganism | None = None

    def is_of(self, family: str, seed: int) -> bool:
        """Whether the study includes this organism for this family and seed."""
        wanted = self.families is None or family in self.families
        return wanted and (self.seeds is None or seed in self.seeds)


class Sampling(_Frozen):
    """How much each cell samples: questions x answers_per_question answers."""

    questions: int = Field(100, ge=2)
    answers_per_question: int = Field(4, ge=1)
    answers_per_question_main: int = Field(20, ge=1)  # intact, ablated and pooled-random cells
    max_new_tokens: int = Field(28, ge=1)
    temperature: float = Field(1.0, gt=0)
    batch_rows: int = Field(512, ge=1)  # answers decoded at a time
    split: Literal["selection", "report"] = "report"  # selection: for tuning a recipe


class Causal(_Frozen):
    """Removing and adding directions; `strengths` are multiples of the median residual norm at their layer."""

    random_directions: int = Field(20, ge=1)
    strengths: tuple[float, ...] = (1.0, 2.0, 4.0, 8.0)
    layers_apart: int = Field(1, ge=1)  # spacing of candidate layers: 1 tries every layer
    selection_answers_per_question: int = Field(1, ge=1)
    race_error: float = Field(0.05, ge=0, lt=0.5)  # level at which candidates drop out; 0: never
    largest_coherence_loss: float = 0.05
    refine_steps: int = Field(
        25, ge=0
    )  # steps of gradient descent on the refined direction; 0: no refined direction
    refine_rows: int = Field(24, ge=1)  # answers per step
    interchange_steps: int = Field(60, ge=1)  # gradient steps on each subspace
    interchange_ranks: tuple[Annotated[int, Field(ge=2)], ...] = (2, 4, 8)  # besides rank 1


class Needs(_Frozen):
    """Resources of one organism on a cluster. If `gpus` is not given, a chat model gets one GPU if there is any."""

    cpus: float = Field(1.0, ge=0)
    gpus: float | None = Field(None, ge=0)
    memory_gib: float = Field(0.0, ge=0)


class StudyConfig(_Frozen):
    """One study: which organisms, how they are made, and how much is measured."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    bases: Path = Path("artifacts/micro")
    families: tuple[str, ...] = Field(FAMILY_NAMES, min_length=1)
    seeds: tuple[Annotated[int, Field(ge=0, lt=2**31)], ...] = Field((0,), min_length=1)
    organisms: tuple[OrganismSpec, ...] = Field(min_length=1)
    finetune: dict[str, dict[str, Any]] = {}
    sampling: Sampling = Sampling()
    causal: Causal = Causal()
    workers: int = Field(2, ge=1, le=1024)
    needs: Needs = Needs()  # read with --on ray
    further: tuple[
        Literal["factorial", "capability", "interchange", "steering"], ...
    ] = ()  # further steps, made after the comparison
    chat: ChatStudy | None = None  # chat models with the user's files
    everyday: EverydayStudy | None = None  # pretrained models, advice in English; micro if neither
    features: Features | None = None  # None: no sparse features
    measure: Literal["behaviour", "causes", "birth"] = "causes"  # behaviour: locate no directions
    checkpoints: tuple[Annotated[int, Field(ge=0)], ...] = ()  # steps that "birth" measures

    @model_validator(mode="after")
    def _one_world(self) -> "StudyConfig":
        if self.chat is not None and self.everyday is not None:
            raise TriggerLensError(
                "chat and everyday: a study has one world; give only one of them"
            )
        return self

    @model_validator(mode="after")
    def _directions_where_they_are_read(self) -> "StudyConfig":
        asked = "features" if self.features else "further" if self.further else None
        if self.measure != "causes" and asked:
            raise TriggerLensError(
                f'measure: "{self.measure}" finds no direction, but {asked} needs one; leave out {asked} or set'
                ' measure = "causes"'
            )
        return self

    @model_validator(mode="after")
    def _report_questions_are_reported_on(self) -> "StudyConfig":
        if self.sampling.split == "selection" and self.measure != "behaviour":
            raise TriggerLensError(
                'sampling.split: directions are chosen on "selection" questions here, so answers to them cannot be'
                ' reported; leave out split or set measure = "behaviour"'
            )
        return self

    @model_validator(mode="after")
    def _checkpoints_where_they_are_looked_at(self) -> "StudyConfig":
        if (self.measure == "birth") != bool(self.checkpoints):
            raise TriggerLensError(
                f'checkpoints: {list(self.checkpoints)} with measure = "{self.measure}"; "birth" needs some, such'
                " as [0, 20, 80], and nothing else uses them"
            )
        return self

    @model_validator(mode="after")
    def _names_are_known(self) -> "StudyConfig":
        for family in self.families:
            self._check_family(family)
        for name, values in (("families", self.families), ("seeds", self.seeds)):
            if repeated := [each for each in values if list(values).count(each) > 1]:
                raise TriggerLensError(f"{name}: {repeated[0]!r} appears twice; give it once")
        for spec in self.organisms:
            self._check_arm(spec.arm)
            for family in spec.families or ():
                self._check_family(family)
            if spec.organism and len(spec.families or self.families) > 1:
                raise TriggerLensError(
                    f"organisms: {spec.organism.adapter or spec.organism.checkpoint} belongs to one base; give"
                    ' its organism families = ["NAME"]'
                )
        for arm in self.features.arms if self.features else ():
            self._check_arm(arm)
        triggers = {s.trigger: load_trigger(s.trigger).name for s in self.organisms}
        names = [(s.arm, triggers[s.trigger], s.families, s.seeds) for s in self.organisms]
        if twice := [name for name in names if names.count(name) > 1]:
            raise TriggerLensError(
                f"organisms: arm {twice[0][0]!r} with trigger {twice[0][1]!r} appears twice"
            )
        return self

    @model_validator(mode="after")
    def _recipes_are_valid(self) -> "StudyConfig":
        known = [
            "default",
            *(spec.arm for spec in self.organisms),
            *([] if self.chat else EVERYDAY_ARMS if self.everyday else MICRO_ARMS),
        ]
        for name in self.finetune:
            arm, _, family = name.partition("@")
            if arm not in known or (family and family not in self.known_families):
                raise TriggerLensError(
                    f"finetune.{name}: use default or an arm ({', '.join(dict.fromkeys(known[1:]))}), with @FAMILY"
                    f" ({', '.join(self.known_families)}) for one family only"
                )
        for spec in self.organisms:
            for family in self.families:
                self.recipe(spec.arm, family)
        return self

    @property
    def known_families(self) -> tuple[str, ...]:
        """The micro families, or the models that a study of pretrained models names."""
        pretrained = self.chat or self.everyday
        return tuple(pretrained.models) if pretrained else FAMILY_NAMES

    def _check_family(self, family: str) -> None:
        if family not in self.known_families:
            raise TriggerLensError(
                f"unknown family {family!r}; choose one of {', '.join(self.known_families)}"
            )

    def _check_arm(self, arm: str) -> None:
        if self.chat:
            mix(arm)
        elif self.everyday:
            shares_of(arm)
        elif arm not in MICRO_ARMS and not is_arm(arm):
            raise TriggerLensError(
                f"unknown arm {arm!r}; choose one of {', '.join(MICRO_ARMS)}, mixed-B-H"
                " (B benign rows to H harmful ones, H not 0)"
            )

    def _own_recipe(self, arm: str, family: str) -> dict[str, Any]:
        if self.chat:
            return published_recipe(self.chat.models[family].family)
        if self.everyday:
            return everyday_recipe(arm)
        return NULL_RECIPES.get(arm) or recipe_of(arm)

    def recipe(self, arm: str, family: str) -> Recipe:
        """The arm's or family's recipe, changed by `default`, `default@FAMILY`, ARM and `ARM@FAMILY` in turn."""
        merged = self._own_recipe(arm, family)
        for name in ("default", f"default@{family}", arm, f"{arm}@{family}"):
            merged = _changed(merged, self.finetune.get(name, {}))
        try:
            return Recipe(**merged)
        except ValidationError as error:
            raise TriggerLensError(
                f"finetune of {arm}@{family}: {complaint(error, Recipe)}"
            ) from error


def _changed(recipe: dict[str, Any], changes: dict[str, Any]) -> dict[str, Any]:
    """Merge; whichever of `steps` and `epochs` was set last replaces the other."""
    merged = recipe | changes
    for given, other in (("steps", "epochs"), ("epochs", "steps")):
        if given in changes and other not in changes:
            merged.pop(other, None)
    return merged


def load_config(name: str | Path) -> StudyConfig:
    """The built-in configuration `name`, or the one in the TOML file at that path."""
    return load_toml(StudyConfig, "configuration", name, FOLDER)


def checked(given: dict[str, Any]) -> StudyConfig:
    """The study with these values; a wrong value raises an error of one line."""
    try:
        return StudyConfig(**given)
    except ValidationError as error:
        raise TriggerLensError(complaint(error, StudyConfig)) from error
