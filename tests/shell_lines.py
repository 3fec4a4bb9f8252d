"""What a command line in a document would run, checked without running it.

1. A fenced block is cut into commands, a console block only at its prompts.
2. `make`: the target exists. `triggerlens`: the command exists and takes the options shown.
   `python`: the module or the script exists. No program is called but these and OTHER_PROGRAMS.
"""

import re
import shlex
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import typer.main
from house import PACKAGES, ROOT, is_defined, is_file_somewhere

SHELLS = {"bash", "console", "sh", "shell"}
OTHER_PROGRAMS = {"cd", "git", "inspect", "open", "source", "xdg-open"}


def commands_of(language: str, body: str) -> Iterator[str]:
    """The commands of a fenced block; in a console only what follows the prompt."""
    for line in body.replace("\\\n", " ").splitlines():
        if language == "console" and not line.startswith("$ "):
            continue
        yield from re.split(r"&&|\|\||;|\|", line.removeprefix("$ ").split(" #")[0])


def command_complaints(command: str) -> list[str]:
    """One line for everything in one command that does not exist."""
    words = shlex.split(command, comments=True)
    while words and re.match(r"\w+=", words[0]):
        words = words[1:]
    if not words:
        return []
    program, *rest = words
    match Path(program).name:
        case "make":
            wanted = [word for word in rest if "=" not in word]
            return [f"no make target: {word}" for word in wanted if word not in make_targets()]
        case "triggerlens":
            return [*_triggerlens_complaints(rest)]
        case "python" | "python3" if rest[:1] == ["-m"]:
            ours = rest[1].split(".")[0] in PACKAGES
            return [f"no such module: {rest[1]}"] if ours and not is_defined(rest[1]) else []
        case "python" | "python3":
            return [f"no such file: {word}" for word in rest[:1] if not is_file_somewhere(word)]
        case name if name in OTHER_PROGRAMS or (ROOT / program).is_file():
            return []
    return [f"unknown program: {program}"]


@cache
def make_targets() -> frozenset[str]:
    """The targets a reader may type; those that begin with a dot or a slash are internal."""
    return frozenset(re.findall(r"^([a-z][\w-]*):", (ROOT / "Makefile").read_text(), re.M))


@cache
def triggerlens() -> Any:
    """The command line as an object (typer's own click classes, hence untyped)."""
    from experiments.cli.app import app

    return typer.main.get_command(app)


def triggerlens_commands(command: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """The words of every command, groups included."""
    yield path
    for name, inner in getattr(command, "commands", {}).items():
        yield from triggerlens_commands(inner, (*path, name))


def _triggerlens_complaints(words: list[str]) -> Iterator[str]:
    command, shown = triggerlens(), " ".join(["triggerlens", *words])
    while words and not words[0].startswith("-") and hasattr(command, "commands"):
        if words[0] not in command.commands:
            yield f"no such command: {shown}"
            return
        command, words = command.commands[words[0]], words[1:]
    options = {"--help", *(name for p in command.params for name in (*p.opts, *p.secondary_opts))}
    for word in words:
        if word.startswith("-") and word.split("=")[0] not in options:
            yield f"no such option: {word} in {shown}"
        elif word.endswith(".toml") and "/" in word and not is_file_somewhere(word):
            yield f"no such file: {word}"
    if shown.startswith("triggerlens run ") and not _is_configuration(words[0]):
        yield f"no such configuration: {shown}"


def _is_configuration(word: str) -> bool:
    """A shipped name exists; options, paths and placeholders such as CONFIG are not judged here."""
    shipped = re.fullmatch(r"[a-z]\w*", word)
    return not shipped or (ROOT / "experiments/configs" / f"{word}.toml").is_file()
