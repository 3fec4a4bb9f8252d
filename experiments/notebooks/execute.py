"""`python -m experiments.notebooks.execute`: run the notebooks of `docs/tutorials/` and write their outputs into them.

A cell's output is what it prints, then the value of its last expression. Needs no Jupyter; run it in the repository's
root. A notebook is written only after all of its cells have run.
"""

import ast
import contextlib
import io
import json
import linecache
from collections.abc import Iterator
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "docs" / "tutorials"


def notebooks() -> list[Path]:
    """The notebooks, by name."""
    return sorted(FOLDER.glob("*.ipynb"))


def run_cells(path: Path) -> Iterator[tuple[dict[str, Any], str, Any]]:
    """Run the code cells in order: (cell, what it printed, the value of its last expression)."""
    names: dict[str, Any] = {"__name__": "__main__"}
    for number, cell in enumerate(_cells(path)):
        if cell["cell_type"] != "code":
            continue
        source, name = "".join(cell["source"]), f"{path.name}, cell {number}"
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        tree, value = ast.parse(source), None
        last = tree.body.pop() if tree.body and isinstance(tree.body[-1], ast.Expr) else None
        printed = io.StringIO()
        with contextlib.redirect_stdout(printed):
            exec(compile(tree, name, "exec"), names)
            if isinstance(last, ast.Expr):
                value = eval(compile(ast.Expression(last.value), name, "eval"), names)
        yield cell, printed.getvalue(), value


def execute(path: Path) -> None:
    """Run a notebook and write it back with its outputs."""
    notebook = json.loads(path.read_text(encoding="utf-8"))
    done = list(run_cells(path))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for count, (cell, (_, printed, value)) in enumerate(zip(code, done, strict=True), start=1):
        cell["execution_count"], cell["outputs"] = count, list(_outputs(count, printed, value))
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def _cells(path: Path) -> list[dict[str, Any]]:
    return json.loads(path.read_text(encoding="utf-8"))["cells"]


def _outputs(count: int, printed: str, value: Any) -> Iterator[dict[str, Any]]:
    if printed:
        text = printed.splitlines(True)
        yield {"output_type": "stream", "name": "stdout", "text": text}
    if value is not None:
        data = {"text/plain": repr(value).splitlines(True)}
        if hasattr(value, "_repr_html_"):
            data["text/html"] = value._repr_html_().splitlines(True)
        yield {
            "output_type": "execute_result",
            "execution_count": count,
            "data": data,
            "metadata": {},
        }


if __name__ == "__main__":
    for each in notebooks():
        execute(each)
        print(each)
