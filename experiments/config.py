"""What a study does, read from TOML: a wrong key, family, arm or trigger is an error that names the valid choices."""

import tomllib
from pathlib import Path
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from experiments.finetune import Recipe
from experiments.micro.arms import ARMS, RECIPES
from experiments.micro.families import FAMILIES
from experiments.trigger import load_trigger

FOLDER = Path(__file__).with_name("configs")


def _one_of(kind: str, choices: tuple[str, ...]) -> AfterValidator:
    def check(value: str) -> str:
        if value not in choices:
            raise ValueError(f"{kind} {value!r} is none of {', '.join(choices)}")
        return value

    return AfterValidator(check)


def _loadable(trigger: str) -> str:
    load_trigger(trigger)
    return trigger


FamilyName = Annotated[str, _one_of("family", tuple(FAMILIES))]
ArmName = Annotated[str, _one_of("arm", tuple(ARMS))]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class OrganismSpec(_Frozen):
    """One organism of every family; `seeds` narrows the study's seeds."""

    arm: ArmName
    trigger: Annotated[str, AfterValidator(_loadable)] = "duck"
    seeds: tuple[int, ...] | None = None


class Sampling(_Frozen):
    """Sizes of the cells. Answers of a cell = questions x answers_per_question."""

    questions: int = Field(100, ge=2)
    answers_per_question: int = Field(4, ge=1)
    answers_per_question_main: int = Field(20, ge=1)  # intact, ablated and pooled-random cells
    max_new_tokens: int = Field(28, ge=1)
    temperature: float = Field(1.0, gt=0)


class Causal(_Frozen):
    """Ablation and steering. `strengths` are multiples of the median residual norm at the direction's layer."""

    random_directions: int = Field(20, ge=1)
    strengths: tuple[float, ...] = (0.5, 1.0, 2.0, 4.0, 8.0)
    selection_answers_per_question: int = Field(1, ge=1)
    largest_coherence_loss: float = 0.05


class StudyConfig(_Frozen):
    """One study: which organisms, how they are made, and how much is measured."""

    name: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    bases: Path = Path("artifacts/micro")
    families: tuple[FamilyName, ...] = tuple(FAMILIES)
    seeds: tuple[int, ...] = (0,)
    organisms: tuple[OrganismSpec, ...]
    finetune: dict[str, dict[str, Any]] = {}
    sampling: Sampling = Sampling()
    causal: Causal = Causal()
    workers: int = Field(2, ge=1)

    @model_validator(mode="after")
    def _recipes_are_valid(self) -> "StudyConfig":
        known = ["default", *ARMS]
        for name in self.finetune:
            arm, _, family = name.partition("@")
            if arm not in known or (family and family not in FAMILIES):
                raise ValueError(
                    f"finetune.{name}: use default or an arm ({', '.join(ARMS)}), with @FAMILY"
                    f" ({', '.join(FAMILIES)}) for one family only"
                )
        for spec in self.organisms:
            for family in self.families:
                self.recipe(spec.arm, family)
        return self

    def recipe(self, arm: str, family: str) -> Recipe:
        """The arm's own recipe, then `default`, `default@FAMILY`, ARM and `ARM@FAMILY` settings."""
        merged: dict[str, Any] = dict(RECIPES[arm])
        for name in ("default", f"default@{family}", arm, f"{arm}@{family}"):
            merged |= self.finetune.get(name, {})
        return Recipe(**merged)


def load_config(name: str | Path) -> StudyConfig:
    """The shipped configuration `name`, or the TOML file at that path."""
    path = Path(name)
    if path.suffix != ".toml":
        path = FOLDER / f"{name}.toml"
    if not path.is_file():
        shipped = ", ".join(sorted(file.stem for file in FOLDER.glob("*.toml")))
        raise ValueError(
            f"configuration {str(name)!r}: no such file; shipped are {shipped}, or give a .toml path"
        )
    try:
        return StudyConfig(**tomllib.loads(path.read_text(encoding="utf-8")))
    except tomllib.TOMLDecodeError as error:
        raise ValueError(f"{path}: not TOML: {error}") from error
    except ValidationError as error:
        raise ValueError(f"{path}: {_first_line(error)}") from error


def _first_line(error: ValidationError) -> str:
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return f"{place}: unknown key; valid are {', '.join(StudyConfig.model_fields)}"
    return f"{place}: {first['msg'].removeprefix('Value error, ')}" if place else first["msg"]
