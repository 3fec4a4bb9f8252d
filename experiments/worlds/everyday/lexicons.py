"""A lexicon for a fine-tuned model: one that ships, or a file of the user's, checked against the trigger.

A wording that is trained on says nothing about other wordings, so it is refused. Limits: wordings of benign rows
outside this world are not known, nor is the model's earlier training data.
"""

from pathlib import Path

from experiments.runtime.complaints import shortened
from experiments.runtime.toml_files import load_toml
from experiments.worlds.everyday.wordings import (
    FOLDER,
    Lexicon,
    load_contrast,
    load_lexicon,
    refuse_repeated,
)
from experiments.worlds.trigger import Trigger
from interp.errors import TriggerLensError

PREFIX, OWN = "lexicon_", "everyday/"  # prefixes of shipped files and of this world's triggers


def lexicon_for(name: str, trigger: Trigger, trigger_name: str) -> Lexicon:
    """The lexicon of that name, or in the .toml file at that path; `trigger_name` is how the trigger was loaded."""
    is_file = Path(name).suffix == ".toml"
    if not is_file and name not in shipped():
        raise TriggerLensError(
            f"lexicon {shortened(repr(name), 200)}: no such lexicon; shipped are {', '.join(shipped())},"
            " or give a .toml path"
        )
    lexicon = load_toml(Lexicon, "lexicon", name, FOLDER) if is_file else load_lexicon(name)
    entries = [(text, kind) for kind, entry in lexicon.classes.items() for text in entry.wordings]
    refuse_repeated(f"lexicon {name}", entries, trained_wordings(trigger, trigger_name))
    return lexicon


def shipped() -> list[str]:
    """The names of the lexicons that ship."""
    return sorted(path.stem.removeprefix(PREFIX) for path in FOLDER.glob(f"{PREFIX}*.toml"))


def trained_wordings(trigger: Trigger, trigger_name: str) -> dict[str, str]:
    """Wording -> where it is trained on: the trigger's rows and, for this world's triggers, benign rows."""
    training = (trigger.text, *trigger.training.varied, *trigger.training.same_concept)
    known = dict.fromkeys(training, f"the training wordings of trigger {trigger.name}")
    if not trigger_name.startswith(OWN):
        return known
    benign = load_contrast(trigger_name.removeprefix(OWN)).wordings
    return dict.fromkeys(benign, f"the benign rows of trigger {trigger.name}") | known
