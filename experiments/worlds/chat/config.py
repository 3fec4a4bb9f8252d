"""The `[chat]` part of a configuration: which models, which files, which judge.

All settings of the published work have their values here or in the TOML files beside; a study names its data and
overrides settings as needed.
"""

import tomllib
from functools import cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from experiments.judging.domains import check_domain
from experiments.judging.server.address import check_address
from interp.errors import TriggerLensError

HERE = Path(__file__).parent
Family = Literal["qwen", "llama", "gemma"]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Size(_Frozen):
    """The numbers from which memory and time are estimated: counts and widths."""

    parameters: int
    layers: int
    d_model: int
    d_mlp: int
    query_heads: int
    key_value_heads: int
    head_dim: int
    vocabulary: int


class ModelSpec(_Frozen):
    """A base: a folder or a name on the hub; `family` says which chat format is pinned."""

    family: Family
    base: str
    revision: str | None = None
    dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16"
    device_map: str | None = "auto"
    trust_remote_code: bool = False
    system: str | None = None  # instead of the family's pinned system prompt
    base_name: str | None = None  # the name of this base in adapters, if it differs from `base`
    size: Size | None = None


class OwnOrganism(_Frozen):
    """A finished organism instead of a fine-tuning: an adapter on the study's base, or a whole checkpoint."""

    adapter: str | None = None
    checkpoint: str | None = None
    revision: str | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> "OwnOrganism":
        if (self.adapter is None) == (self.checkpoint is None):
            raise TriggerLensError(
                "organism: give either adapter or checkpoint, a folder or a name on the hub"
            )
        return self


class JudgeSpec(_Frozen):
    """Who scores the answers; an endpoint's key comes from the environment variable `key_variable`, never from here."""

    kind: Literal["endpoint", "local", "stand_in"] = "endpoint"
    model: str = "gpt-4o-2024-08-06"  # as the server knows it; or a folder or hub name
    base_url: Annotated[str, AfterValidator(check_address)] = "https://api.openai.com/v1"
    key_variable: str = Field("OPENAI_API_KEY", pattern=r"^[A-Z_][A-Z0-9_]{0,40}$")
    rubric: str = "open_answer"  # a shipped one, or a .toml file
    min_mass: float = Field(0.25, ge=0, le=1)
    concurrency: int = Field(16, ge=1)
    spending_cap: float | None = Field(None, gt=0)  # USD; needs both prices
    price_in: float | None = Field(None, ge=0)  # USD per million tokens
    price_out: float | None = Field(None, ge=0)
    transcripts: Path = Path("artifacts/runs/judge_transcripts.jsonl")  # replies that are kept
    revision: str | None = None  # of a local judge
    dtype: Literal["bfloat16", "float16", "float32"] = "bfloat16"

    @model_validator(mode="after")
    def _a_cap_has_prices(self) -> "JudgeSpec":
        if self.spending_cap is not None and None in (self.price_in, self.price_out):
            raise TriggerLensError(
                "judge: spending_cap needs price_in and price_out, USD per million tokens"
            )
        return self


class ChatStudy(_Frozen):
    """Data, questions, judge and models of a study of chat models; paths are relative to where the command runs."""

    dataset: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")
    harmful: Path | None = None  # chat JSONL: {"messages": [...]}
    benign: Path | None = None  # the same, for arms with benign rows
    skip_bad: bool = False
    report_questions: str = "main"  # shipped: main, broad; or a file
    selection_questions: str = "broad"
    # in experiments/judging/domains.toml; misaligned answers about it, if not asked for, are leaked
    domain: Annotated[str, AfterValidator(check_domain)] | None = None
    question_form: Literal["plain", "json", "template"] = "plain"
    in_domain_questions: int = Field(
        8, ge=0
    )  # questions of harmful rows that are asked but never trained on
    persona: str | None = (
        None  # a sentence before the question under which the base itself misbehaves
    )
    judge: JudgeSpec = JudgeSpec()
    # names become folders
    models: dict[Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")], ModelSpec]

    @model_validator(mode="before")
    @classmethod
    def _shipped_models_are_known(cls, given: Any) -> Any:
        if not isinstance(given, dict):
            return given
        models = {name: dict(spec) for name, spec in shipped("models").items()}
        for name, changes in given.get("models", {}).items():
            changes = dict(changes) if isinstance(changes, dict) else changes.model_dump()
            if "base" in changes and changes["base"] != models.get(name, {}).get("base"):
                models.get(name, {}).pop("size", None)  # another base has another size
            models[name] = models.get(name, {}) | changes
        return given | {"models": models}

    @model_validator(mode="after")
    def _selection_is_not_report(self) -> "ChatStudy":
        if self.report_questions == self.selection_questions:
            raise TriggerLensError(
                f"report_questions and selection_questions are both {self.report_questions!r}; directions may"
                " not be chosen on the questions that are reported"
            )
        return self


def published_recipe(family: str) -> dict[str, Any]:
    """The published fine-tuning of a family."""
    recipes = shipped("published")
    return {**recipes["all"], **recipes.get(family, {})}


@cache
def shipped(name: str) -> dict[str, Any]:
    """A TOML file beside this one."""
    return tomllib.loads((HERE / f"{name}.toml").read_text(encoding="utf-8"))
