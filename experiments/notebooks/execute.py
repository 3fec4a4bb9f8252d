"""`python -m experiments.notebooks.execute`: run the notebooks of `docs/tutorials/` and write their outputs into them.

A cell's output is what it prints, then the value of its last expression. Needs no Jupyter; run it in the repository's
root. Header and footer (`experiments.notebooks.colab`) are put in first; outputs are written after all cells have run.
"""

import ast
import contextlib
import io
import json
import linecache
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from experiments.notebooks.colab import GPU, HEADER, MARK

GPU_TITLE = GPU.partition("\n")[0]
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
    _frame(notebook["cells"])
    path.write_text(_written(notebook), encoding="utf-8")
    done = list(run_cells(path))
    code = [cell for cell in notebook["cells"] if cell["cell_type"] == "code"]
    for count, (cell, (_, printed, value)) in enumerate(zip(code, done, strict=True), start=1):
        cell["execution_count"], cell["outputs"] = count, list(_outputs(count, printed, value))
    path.write_text(_written(notebook), encoding="utf-8")


def _frame(cells: list[dict[str, Any]]) -> None:
    """Put the header of Colab behind the title, and what changes on a GPU at the end, as they are written today."""
    kept = [cell for cell in cells if not "".join(cell["source"]).startswith((MARK, GPU_TITLE))]
    header = {"cell_type": "code", "metadata": {}, "source": HEADER.splitlines(True)}
    footer = {"cell_type": "markdown", "metadata": {}, "source": GPU.splitlines(True)}
    cells[:] = [kept[0], header | {"execution_count": None, "outputs": []}, *kept[1:], footer]


def _written(notebook: dict[str, Any]) -> str:
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


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
