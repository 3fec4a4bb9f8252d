"""The `[features]` table of a configuration: what a study does with sparse features. Without it, nothing."""

from pydantic import BaseModel, ConfigDict, Field


class PretrainedSae(BaseModel):
    """An SAE, by its names in sae-lens; `experiments.study.steps.sparse.releases` lists those of the three families."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    release: str
    sae_id: str


class Features(BaseModel):
    """An SAE of `width` features, `k` of which fire at a token, trained for `steps` batches of `batch_rows` tokens."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    arms: tuple[str, ...] = ()  # the arms to study; empty: every arm with a trigger
    width: int = Field(640, ge=2)
    k: int = Field(14, ge=1)
    steps: int = Field(300, ge=1)
    batch_rows: int = Field(1024, ge=1)
    lr: float = Field(1e-3, gt=0)
    layer: int | None = Field(None, ge=0)  # None: the layer of the located switch
    difference: bool = True  # also train one on fine-tuned minus base
    base: bool = False  # also train one on the base's activations
    shown: int = Field(5, ge=1)  # features of each ranking that are confirmed and shown
    removed: int = Field(3, ge=1)  # features that are removed together, at most
    pairs: int = Field(10, ge=1)  # misaligned and aligned answers that removal is tried on
    pretrained: dict[str, PretrainedSae] = {}  # by family: loaded instead of trained
