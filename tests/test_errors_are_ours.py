"""What the packages refuse is told apart from faults: they raise TriggerLensError, never a bare ValueError."""

import ast
from collections.abc import Iterator

from house import sources


def bare_value_errors(tree: ast.Module) -> Iterator[int]:
    """Lines that raise ValueError itself."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Raise) and node.exc is not None:
            raised = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
            if isinstance(raised, ast.Name) and raised.id == "ValueError":
                yield node.lineno


def test_no_module_raises_a_bare_value_error() -> None:
    found = [
        f"{path}:{line}"
        for path, text in sources().items()
        for line in bare_value_errors(ast.parse(text))
    ]
    assert found == []


def test_a_bare_value_error_is_found() -> None:
    assert list(bare_value_errors(ast.parse("raise ValueError('x')\nraise ValueError"))) == [1, 2]
    assert list(bare_value_errors(ast.parse("raise TriggerLensError('x')\nraise"))) == []
