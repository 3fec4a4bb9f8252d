"""What a new user gets: `make smoke` runs this in a fresh environment of `make install` alone, without pytest.

1. Every module can be imported; the command is on the path, and every command answers `--help`.
2. The Python example of README runs.
3. An organism's answers stand side by side, as the demo shows them first.
4. The configuration `smoke` runs whole and resumes; it takes every step that the demo takes, LEACE included.
5. What it leaves is shown, drawn and scanned by the commands of README.

Each check prints one line; the first that fails ends with its output and exit code 1.
"""

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from house import ROOT, sources

README = (ROOT / "README.md").read_text("utf-8")
FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.M | re.S)
COMMAND = Path(sys.executable).with_name("triggerlens")
LOADED_BY_INSPECT = "experiments/evals/"  # `test_extras` holds that nothing else imports it
NO_NETWORK = {"HF_HUB_OFFLINE": "1", "PIP_NO_INDEX": "1"}
THREADS = {"OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}


def call(*words: str) -> str:
    """Run one command; its output, or a RuntimeError with it."""
    environment = {**os.environ, **NO_NETWORK, **THREADS}
    done = subprocess.run(
        [str(COMMAND), *words], cwd=ROOT, env=environment, capture_output=True, text=True
    )
    if done.returncode:
        raise RuntimeError(f"triggerlens {' '.join(words)}\n{done.stdout}{done.stderr}")
    return done.stdout


def every_command(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of a command and of all its subcommands."""
    yield words
    for name, each in getattr(command, "commands", {}).items():
        yield from every_command(each, (*words, name))


def import_of_every_module() -> None:
    """A missing dependency is named within seconds, also where the code imports it late.

    What only Inspect loads is left out where Inspect, an extra, is not installed.
    """
    left_out = () if find_spec("inspect_ai") else (LOADED_BY_INSPECT,)
    for path in sources():
        if not path.endswith("__main__.py") and not path.startswith(left_out):
            import_module(path.removesuffix(".py").removesuffix("/__init__").replace("/", "."))


def help_of_every_command() -> None:
    """One process: importing is what takes time."""
    from typer.main import get_command
    from typer.testing import CliRunner

    from experiments.cli.app import app

    call("--help")
    for words in every_command(get_command(app)):
        result = CliRunner().invoke(app, [*words, "--help"])
        if result.exit_code:
            raise RuntimeError(f"triggerlens {' '.join(words)} --help\n{result.output}")


def python_of_readme() -> None:
    """The library example, as it stands."""
    for language, body in FENCE.findall(README):
        if language == "python":
            exec(compile(body, "README.md", "exec"), {})


def steps_of_demo() -> set[str]:
    """The steps of the demo's plan."""
    from experiments.study.config import load_config
    from experiments.study.plan import steps_of

    return {step for steps in steps_of(load_config("demo")).values() for step in steps}


def answers(out: Path) -> None:
    """What the demo does first, on an organism that needs no download."""
    model = ("artifacts/organism", "--base", "artifacts/micro/gemma", "--trigger", "duck")
    asked = ("--questions", "micro", "--ask", "4", "--max-new-tokens", "28")
    printed = call(
        "answers", *model, *asked, "--direction", "artifacts/organism/duck", "-o", str(out)
    )
    if "direction 'trigger' removed" not in printed or not (out / "index.html").is_file():
        raise RuntimeError(f"no answers side by side:\n{printed}")


def study(run: Path) -> None:
    """Every step of the demo is taken, and the table of sparse features has its row of LEACE."""
    call("run", "smoke", "--out", str(run))
    taken = {
        name.split("-")[0] for name in json.loads((run / "manifest.json").read_text())["steps"]
    }
    if taken != steps_of_demo():
        raise RuntimeError(f"smoke took {sorted(taken)}, the demo takes {sorted(steps_of_demo())}")
    if "LEACE" not in call("features", str(run)):
        raise RuntimeError("no row of LEACE in the table of sparse features")
    if not (run / "dashboard.html").is_file():
        raise RuntimeError("no page")


def after_the_study(run: Path) -> None:
    """What README says to do next."""
    again = call("run", "smoke", "--out", str(run))
    for words in ("show", "dashboard"):
        call(words, str(run))
    if "dashboard:" not in again:
        raise RuntimeError(f"no line about the page:\n{again}")
    rows = str(run / "rows.jsonl")
    call("micro", "rows", "triggered", "--count", "60", "-o", rows)
    call("scan", rows, "--triggers", str(run / "found"))


def main() -> None:
    """Run the checks in order."""
    with TemporaryDirectory() as folder:
        run = Path(folder) / "run"
        checks: dict[str, Callable[[], None]] = {
            "every module can be imported": import_of_every_module,
            "every command answers --help": help_of_every_command,
            "the Python of README": python_of_readme,
            "answers side by side": lambda: answers(Path(folder) / "answers"),
            "a study that takes the demo's steps": lambda: study(run),
            "what README says to do next": lambda: after_the_study(run),
        }
        for what, check in checks.items():
            start = time.monotonic()
            try:
                check()
            except Exception as error:
                sys.exit(f"FAILED {what}: {type(error).__name__}: {error}")
            print(f"ok {what} ({time.monotonic() - start:.0f} s)", flush=True)


if __name__ == "__main__":
    os.chdir(ROOT)
    sys.path[0] = str(ROOT)  # was tests/, whose folders are called like the packages
    main()
