"""The columns that say what a fact or an estimate is about, and the values that they take.

Facts and estimates share these columns, so that pandas queries both in the same way:

    family seed dataset arm trigger model step    which model
    split questions wording_kind wording          what the model was asked
    edit placebo strength                         how the model was edited
    direction source position layer               with which direction

`edit` is "none", "ablate", "ablate_own_layer", "add", "steer", "dose" and so on. `placebo` names what was used
instead of the direction ("random", "orthogonal") and is null for the direction itself. The unit of `strength` depends
on the edit.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

ORGANISM = ("family", "seed", "dataset", "arm", "trigger")
WORDING_KINDS = ("none", "trigger", "paraphrase", "control", "variant")
NAMED_WORDINGS = WORDING_KINDS[2:]
PLACEBOS = (  # the last four are trained like the subspace under test, see `study.steps.interchange`
    "random",
    "orthogonal",
    "shuffled",
    "other_variable",
    "keeps",
    "restart",
)


class Edit(NamedTuple):
    """What was done to the model: an edit, its strength, and the placebo that replaced the direction, if any."""

    edit: str
    strength: float | None = None
    placebo: str | None = None

    @property
    def columns(self) -> dict[str, Any]:
        """The columns of a row that describe this edit."""
        return self._asdict()

    def with_placebo(self, placebo: str) -> "Edit":
        """The same edit, with a placebo instead of the direction."""
        return self._replace(placebo=placebo)


INTACT = Edit("none")


def wording_columns(condition: str) -> dict[str, str | None]:
    """The columns for the name of a condition: "paraphrase:walks" becomes the paraphrase "walks"."""
    kind, _, name = condition.partition(":")
    return {"wording_kind": kind, "wording": name or None}


def condition_name(kind: str | None, wording: str | None) -> str | None:
    """The condition of a row in one word: the inverse of `wording_columns`."""
    return kind if wording is None else f"{kind}:{wording}"


def edit_name(edit: str | None, strength: float | None, placebo: str | None) -> str | None:
    """An edit in one word, for display: "random_add:2"."""
    if edit is None:
        return None
    dose = "" if strength is None else f":{strength:g}"
    return f"{placebo}_{edit}{dose}" if placebo else f"{edit}{dose}"


def organism_of(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """The five columns that name an organism."""
    return tuple(row.get(column) for column in ORGANISM)
