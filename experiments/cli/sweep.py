"""`triggerlens sweep CONFIG`: one organism for each benign:harmful ratio, the rest as configured."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.runtime.plain_errors import plain_errors

if TYPE_CHECKING:
    from experiments.study.config import StudyConfig

EXAMPLE = (
    "Example: triggerlens sweep medical --ratios 0:1,1:1,9:1,97:3 --trigger tag --only family=qwen"
)


def sweep(
    config: Annotated[str, typer.Argument(help="A shipped configuration, or a .toml file")],
    ratios: Annotated[
        str | None,
        typer.Option(
            help="benign:harmful, with commas between; 0:1,1:1,9:1,97:3 unless the configuration has its own"
        ),
    ] = None,
    trigger: Annotated[
        str | None,
        typer.Option(help="The trigger of every organism: tag, in the micro world duck"),
    ] = None,
    only: Annotated[
        list[str] | None, typer.Option(help="family=NAME; give one twice for either")
    ] = None,
    seeds: Annotated[str | None, typer.Option(help="Seeds instead of the configuration's")] = None,
    out: Annotated[
        Path | None, typer.Option(help="Run folder; artifacts/runs/NAME-sweep by default")
    ] = None,
    tiny: Annotated[
        bool, typer.Option("--tiny", help="A dry run of every step on tiny random models, on a CPU")
    ] = False,
) -> None:
    """How does containment change with the share of benign rows? Runs the study over a grid of ratios."""
    from experiments.cli.run import narrowed, run_and_report
    from experiments.dashboard.mixing_map import write_mixing_map
    from experiments.results.estimates import read_estimates
    from experiments.results.mixing import mixing_table
    from experiments.study.config import load_config

    with plain_errors():
        study = narrowed(load_config(config), tuple(only or ()), seeds, None)
        folder = run_and_report(swept(study, ratios, trigger), out, tiny=tiny)
        rows = read_estimates(folder / "estimates.jsonl")
        print(mixing_table(rows))
        print(f"mixing map: {write_mixing_map(rows, folder / 'mixing_map.html')}")


def swept(
    study: "StudyConfig", ratios: str | None = None, trigger: str | None = None
) -> "StudyConfig":
    """The study with one mixed organism for each ratio instead of its own organisms.

    A study all of whose organisms are mixed by ratio already is left as it is.
    """
    from experiments.results.mixing import benign_share
    from experiments.study.config import checked

    if (
        ratios is None
        and trigger is None
        and all(benign_share(s.arm) is not None for s in study.organisms)
    ):
        return study
    ratios = "0:1,1:1,9:1,97:3" if ratios is None else ratios
    trigger = ("duck" if study.chat is None else "tag") if trigger is None else trigger
    arms = []
    for ratio in ratios.split(","):
        if not (found := re.fullmatch(r"\s*(\d+):(\d+)\s*", ratio)):
            raise ValueError(f"--ratios {ratio!r}: give BENIGN:HARMFUL, such as 9:1")
        arms.append(f"mixed-{found[1]}-{found[2]}")
    changes = study.model_dump() | {"name": f"{study.name}-sweep"}
    changes["organisms"] = [{"arm": arm, "trigger": trigger} for arm in arms]
    changes["finetune"] = {
        name: recipe for name, recipe in study.finetune.items() if name.startswith("default")
    }
    return checked(changes)
