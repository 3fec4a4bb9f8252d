"""The `[everyday]` part of a configuration: the pretrained models to tune on advice in English, and the judge.

A model is given by its name in `triggerlens models`, its folder or its hub name. Without `[everyday.judge]`, the judge
that ships with the sentences scores the answers; a rubric judge is configured as in a chat study.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from experiments.worlds.chat.config import JudgeSpec

Dtype = Literal["auto", "bfloat16", "float32"]
BANK = "bank"
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]*$")]  # becomes part of a folder


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class EverydayModel(_Frozen):
    """A pretrained model; `dtype` "auto" is bfloat16 if the processor multiplies it fast, else float32.

    `benign`: the answers of benign rows. "bank": safe deeds in the bank's forms. Otherwise a name in `answers/`: what
    that untouched model itself said to the training questions.
    """

    base: str
    dtype: Dtype = "auto"
    benign: Name = BANK


class EverydayStudy(_Frozen):
    """Models by their family name in the study, and the number of domains they are tuned on.

    Harmful rows are about `domains` of them. Benign rows are about as many unless `benign_domains` says more: then what
    holds without the trigger is learned in more places than harm is.
    """

    models: dict[Name, EverydayModel] = Field(min_length=1)
    domains: int = Field(1, ge=1, le=3)
    benign_domains: int | None = Field(None, ge=1, le=3)
    judge: JudgeSpec | None = None
