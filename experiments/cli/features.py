"""`triggerlens features RUN`: the sparse features of a finished run, as tables."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = "Example: triggerlens features artifacts/runs/demo --out features.md"


def features(
    run_folders: Annotated[
        list[Path] | None, typer.Argument(help="Run folders, such as artifacts/runs/demo")
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", "-o", help="Also write the Markdown")] = None,
    releases: Annotated[
        bool, typer.Option("--releases", help="List SAEs that others trained, and stop")
    ] = False,
) -> None:
    """Does the SAE basis find what the probe found? Prints a run's feature tables as Markdown."""
    from experiments.results.feature_tables import markdown
    from experiments.results.load import load_run
    from experiments.runtime.files import write_text

    if releases:
        print(_releases())
        return
    if not run_folders:
        raise ValueError("no run given; name a run folder, or ask for --releases")
    text = markdown([it for run in run_folders for it in load_run(run).organisms()])
    if not text:
        raise ValueError(
            f"{run_folders[0]} has no rows about features; run a configuration with a [features] table"
        )
    print(text)
    if out is not None:
        write_text(out, text + "\n")


def _releases() -> str:
    from experiments.study.steps.sparse.releases import RELEASES

    return "\n".join(
        f"{it.family:6} {it.model}: {it.release} / {it.sae_id} at layers {', '.join(map(str, it.layers))}"
        for it in RELEASES
    )
