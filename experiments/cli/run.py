"""Run a configuration from Python or as a plain script: `python -m experiments.cli.run CONFIG`."""

import sys
from collections.abc import Sequence
from pathlib import Path

from experiments.runtime.attempts import StudyUnfinished
from experiments.runtime.plain_errors import plain_errors
from experiments.runtime.step_folders import MANIFEST
from experiments.study.config import StudyConfig, checked, load_config
from interp.errors import TriggerLensError


def run_configuration(
    config: str | Path,
    *,
    only: Sequence[str] = (),
    seeds: str | None = None,
    out: Path | None = None,
    workers: int | None = None,
    tiny: bool = False,
    on: str | None = None,
) -> Path:
    """Run a study and write its dashboard; print the answer, where the page is, and what to try next.

    `tiny` runs the same configuration on tiny random models, in seconds; `on` is a Ray cluster.
    """
    study = narrowed(load_config(config), only, seeds, workers)
    return run_and_report(study, out, tiny=tiny, on=on)


def run_and_report(
    study: StudyConfig,
    out: Path | None,
    *,
    tiny: bool = False,
    on: str | None = None,
) -> Path:
    """Run a resolved configuration, write its dashboard, print the answer and where the page is."""
    # imported late, so that a wrong configuration is reported before imports that take seconds

    from experiments.dashboard import export_dashboard
    from experiments.results.show import show
    from experiments.runtime.quiet import quiet
    from experiments.study.pipeline import run_study
    from experiments.study.tiny import tiny_study

    folder = out or Path("artifacts/runs") / (f"{study.name}-tiny" if tiny else study.name)
    if tiny:
        quiet()
        study = tiny_study(study, folder / "tiny")
    unfinished: StudyUnfinished | None = None
    try:
        run_study(study, folder, on=on)
    except StudyUnfinished as error:  # finished parts are still shown
        if not (folder / MANIFEST).is_file():
            raise
        unfinished = error
    page = export_dashboard(folder)
    show(folder)
    if tiny and unfinished is None:
        print("dry run on tiny random models: every step works, but the numbers mean nothing")
    print(f"dashboard: {page}")
    print(f"all tables: triggerlens show --wide {folder}")
    print(f"measure what else a removal breaks: triggerlens further {folder}")
    if unfinished is not None:
        raise unfinished
    return folder


def narrowed(
    config: StudyConfig, only: Sequence[str], seeds: str | None, workers: int | None
) -> StudyConfig:
    """The configuration with fewer families, arms or seeds, or another number of workers; checked again."""
    changes = config.model_dump()
    wanted = _choices(only)
    if "family" in wanted:
        changes["families"] = wanted["family"]
    if "arm" in wanted:
        arms = list(dict.fromkeys(spec.arm for spec in config.organisms))
        for arm in wanted["arm"]:
            if arm not in arms:
                raise TriggerLensError(
                    f"--only arm={arm}: this configuration has no such arm; its arms are {', '.join(arms)}"
                )
        kept = [spec for spec in changes["organisms"] if spec["arm"] in wanted["arm"]]
        changes["organisms"] = kept
    if seeds is not None:
        if not all(part.strip().isdigit() for part in seeds.split(",")):
            raise TriggerLensError(
                f"--seeds {seeds!r}: give whole numbers separated by commas, such as 0,1,2"
            )
        changes["seeds"] = [int(part) for part in seeds.split(",")]
    if workers is not None:
        changes["workers"] = workers
    return checked(changes)


def _choices(only: Sequence[str]) -> dict[str, list[str]]:
    """Values by key; a key given twice means either value."""
    found: dict[str, list[str]] = {}
    for choice in only:
        key, _, value = choice.partition("=")
        if key not in ("family", "arm"):
            raise TriggerLensError(f"--only {choice!r}: use family=NAME or arm=NAME")
        found.setdefault(key, []).append(value)
    return found


if __name__ == "__main__":
    if len(sys.argv) != 2 or sys.argv[1].startswith("-"):
        sys.exit("usage: python -m experiments.cli.run CONFIG   (demo, micro_full or a .toml file)")
    with plain_errors():
        run_configuration(sys.argv[1])
