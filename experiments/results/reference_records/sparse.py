"""The records of sparse features in the demo's contrast organisms."""

from collections.abc import Iterator

import pandas as pd

from experiments.results.records import Record
from experiments.results.reference_records.run import ReferenceRun

QUALITY = ("sae_explained_variance", "sae_l0", "sae_loss_recovered", "sae_dead_share")


def sparse_records(run: ReferenceRun) -> list[Record]:
    """The quality of the autoencoders, and the effect on EM of removing features or vectors."""
    return [*_quality(run), *_removal(run), *_basis(run)]


def _quality(run: ReferenceRun) -> Iterator[Record]:
    for quantity in QUALITY:
        rows = run.estimates[run.estimates["quantity"] == quantity]
        for row in rows.to_dict("records"):
            yield run.record(f"{row['source']}: {quantity.removeprefix('sae_')}", row)


def _removal(run: ReferenceRun) -> Iterator[Record]:
    rows = run.reported(quantity="ablation_relative_drop", direction="features")
    for row in rows.to_dict("records"):
        placebo = (
            "random features that fire as often" if pd.notna(row["placebo"]) else row["source"]
        )
        yield run.record(f"share of EM removed, {row['edit']}: {placebo}", row)


def _basis(run: ReferenceRun) -> Iterator[Record]:
    for quantity, what in (
        ("ablation_relative_drop", "share of EM removed with one vector"),
        ("basis_transfer_auroc", "AUROC on wordings that were not used to choose the vector"),
    ):
        for row in run.reported(quantity=quantity, direction="basis").to_dict("records"):
            yield run.record(f"{what}: {row['source']}", row)
