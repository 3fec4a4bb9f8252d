"""What a study does with sparse features: the `[features]` table of a configuration. Without it, nothing."""

from pydantic import BaseModel, ConfigDict, Field


class PretrainedSae(BaseModel):
    """An SAE by sae-lens's names; `experiments.study.steps.sparse.releases` lists those of the three families."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    release: str
    sae_id: str


class Features(BaseModel):
    """An SAE of `width` features, `k` of which fire at a token, trained for `steps` batches of `batch_rows` tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    arms: tuple[str, ...] = ()  # those it is done for; none: every arm with a trigger
    width: int = Field(640, ge=2)
    k: int = Field(14, ge=1)
    steps: int = Field(300, ge=1)
    batch_rows: int = Field(1024, ge=1)
    lr: float = Field(1e-3, gt=0)
    layer: int | None = Field(None, ge=0)  # None: that of the located switch
    difference: bool = True  # also one of fine-tuned minus base
    base: bool = False  # also one of the base's activations
    shown: int = Field(5, ge=1)  # features of each ranking that are confirmed and shown
    removed: int = Field(3, ge=1)  # at most so many features are removed together
    pairs: int = Field(10, ge=1)  # misaligned and aligned answers that removal is tried on
    pretrained: dict[str, PretrainedSae] = {}  # by family: loaded in place of training
