"""The documents tell the truth: what they name exists, what they tell you to type works.

1. Cut each file into links, inline code and fenced blocks.
2. Paths, links and headings must exist; so must the entries of an annotated tree, and dotted names
   such as `interp.models.loading.load_model` (looked up in the source).
   Python must parse; `tests/test_readme_runs.py` runs the example of README.
3. Commands are checked by `tests/shell_lines.py`, and every `triggerlens` command answers `--help`.

Not checked: addresses on the web, and what a run leaves under `artifacts/runs/`.
"""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from house import PACKAGES, ROOT, documents, is_defined, is_file_somewhere
from shell_lines import (
    SHELLS,
    command_complaints,
    commands_of,
    make_targets,
    triggerlens,
    triggerlens_commands,
)
from typer.testing import CliRunner

CHECKED_SUFFIXES = (".py", ".md", ".toml", ".cff", ".txt")

FENCE = re.compile(r"^```(\w*)[^\n]*\n(.*?)^```", re.M | re.S)
INLINE = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\]\(([^)\s]+)\)|src=\"([^\"]+)\"")
DOTTED = re.compile(rf"(?:{'|'.join(PACKAGES)})(?:\.[A-Za-z_]\w*)+")
TREE_ENTRY = re.compile(r"^( *)([\w.-]+/?)(?:  .*)?$")


def complaints(text: str, folder: Path = ROOT) -> list[str]:
    """One line for everything in a Markdown text that does not exist."""
    prose = FENCE.sub("", text)
    found = [*_link_complaints(prose, folder)]
    for code in INLINE.findall(prose):
        found += _inline_complaints(code.strip(), folder)
    for language, body in FENCE.findall(text):
        if language in SHELLS:
            for command in commands_of(language, body):
                found += command_complaints(command)
        elif language == "python":
            found += _python_complaints(body)
        else:
            found += [f"no such file: {path}" for path in tree(body) if not (ROOT / path).exists()]
    return found


def _link_complaints(prose: str, folder: Path) -> Iterator[str]:
    for match in LINK.finditer(prose):
        target = match[1] or match[2]
        if re.match(r"[a-z]+:", target):
            continue
        path, _, heading = target.partition("#")
        file = folder / path if path else None
        if file is not None and not file.exists():
            yield f"dead link: {target}"
        elif heading and heading not in _headings(file.read_text("utf-8") if file else prose):
            yield f"no such heading: {target}"


def _headings(text: str) -> set[str]:
    titles = re.findall(r"^#+ +(.+?) *$", FENCE.sub("", text), re.M)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def _inline_complaints(code: str, folder: Path) -> list[str]:
    first = code.split()[0]
    if first in ("make", "triggerlens") or code.startswith("python -m "):
        return command_complaints(code) if code != first else []
    if DOTTED.fullmatch(code.removesuffix("()")):
        return [] if is_defined(code.removesuffix("()")) else [f"no such name: {code}"]
    inside = "/" in code and (ROOT / code.split("/")[0]).is_dir()
    if not (inside or code.endswith(CHECKED_SUFFIXES)) or re.search(r"[^\w./*<>-]", code):
        return []
    return [] if is_file_somewhere(code, folder) else [f"no such file: {code}"]


def tree(block: str) -> Iterator[str]:
    """The paths of an annotated tree; nothing if the block does not begin with a known folder."""
    above: list[tuple[int, str]] = []
    for number, line in enumerate(block.strip("\n").splitlines()):
        entry = TREE_ENTRY.match(line)
        if number == 0 and not (entry and entry[2].endswith("/") and (ROOT / entry[2]).is_dir()):
            return
        if entry and re.search(r"[./]", entry[2]):
            depth = len(entry[1])
            above = [(indent, name) for indent, name in above if indent < depth]
            yield "".join(name for _, name in above) + entry[2]
            above += [(depth, entry[2])] * entry[2].endswith("/")


def _python_complaints(body: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(body)):
        match node:
            case ast.Import(names=aliases):
                dotted = [alias.name for alias in aliases]
            case ast.ImportFrom(module=str(module), names=aliases):
                dotted = [f"{module}.{alias.name}" for alias in aliases]
            case _:
                dotted = []
        for name in dotted:
            if name.split(".")[0] in PACKAGES and not is_defined(name):
                yield f"no such name: {name}"


@pytest.mark.parametrize("document", documents(), ids=str)
def test_what_a_document_names_exists(document: Path) -> None:
    text = (ROOT / document).read_text("utf-8")
    assert complaints(text, (ROOT / document).parent) == []


@pytest.mark.parametrize(
    "text",
    [
        "see [the plan](no/such/file.md)",
        "see [a heading](README.md#no-such-heading)",
        '<img src="artifacts/no-such-picture.png">',
        "`probes/no_such_file.py`",
        "`no_such_file.py`",
        "`artifacts/nowhere/`",
        "`experiments.runtime.store.NoSuchName`",
        "`make nonsense`",
        "`triggerlens nonsense`",
        "`triggerlens --nonsense`",
        "`triggerlens run nonsense`",
        "`triggerlens run demo --nonsense`",
        "`python -m experiments.nonsense`",
        "```bash\nmake PYTHON=python3 nonsense\n```",
        "```bash\ncd x && make nonsense\n```",
        "```console\n$ curl https://example.org\nmake output is not read\n```",
        "```bash\npython no_such_script.py\n```",
        "```python\nfrom experiments.runtime.store import NoSuchName\n```",
        "```text\nprobes/    numbers\n    estimate.py    here\n    no_such.py    not here\n```",
    ],
)
def test_a_false_statement_is_caught(text: str) -> None:
    assert len(complaints(text)) == 1


@pytest.mark.parametrize(
    "text",
    [
        "[licence](LICENSE), [web](https://example.org), `h`, `steps/<name>`, `a / b`, `x.jsonl`",
        "# One heading\n[down](#one-heading)",
        "`experiments/runtime/store.py`, `experiments/`, `probes/NAME.py`, `artifacts/runs/demo/`",
        "`experiments.runtime.store.Run`, `probes.estimate`",
        "```bash\n# a comment\nPYTHON=python3.12 make demo  # another\n```",
        "```text\nprobes/    numbers\n    estimate.py    here\n```",
        "```text\nprompts -> activations -> probes\n```",
    ],
)
def test_a_true_statement_is_let_through(text: str) -> None:
    assert complaints(text) == []


def test_every_command_answers_help() -> None:
    from experiments.cli.app import app

    found = [*triggerlens_commands(triggerlens())]
    assert len(found) > 1
    for words in found:
        result = CliRunner().invoke(app, [*words, "--help"])
        assert result.exit_code == 0, f"triggerlens {' '.join(words)} --help: {result.output}"


@pytest.mark.parametrize("target", sorted(make_targets()))
def test_every_make_target_can_be_planned(target: str) -> None:
    plan = subprocess.run(
        ["make", "--dry-run", target], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert plan.returncode == 0, plan.stderr
