"""`triggerlens sweep CONFIG`: one organism for each benign:harmful ratio, the rest as configured."""

import re
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from experiments.plain_errors import plain_errors

if TYPE_CHECKING:
    from experiments.config import StudyConfig

EXAMPLE = (
    "Example: triggerlens sweep medical --ratios 0:1,1:1,9:1,97:3 --trigger tag --only family=qwen"
)


def sweep(
    config: Annotated[str, typer.Argument(help="A configuration of chat models, or a .toml file")],
    ratios: Annotated[
        str, typer.Option(help="benign:harmful, with commas between")
    ] = "0:1,1:1,9:1,97:3",
    trigger: Annotated[str, typer.Option(help="The trigger of every organism")] = "tag",
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
    from experiments.config import load_config
    from experiments.run import narrowed, run_and_report

    with plain_errors():
        study = narrowed(load_config(config), tuple(only or ()), seeds, None)
        run_and_report(swept(study, ratios, trigger), out, tiny=tiny)


def swept(study: "StudyConfig", ratios: str, trigger: str) -> "StudyConfig":
    """The study with one mixed organism for each ratio instead of its own organisms."""
    from experiments.config import checked

    if study.chat is None:
        raise ValueError(
            f"{study.name} is a study of the micro world, whose arms have fixed ratios; sweep a study of chat models"
        )
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
