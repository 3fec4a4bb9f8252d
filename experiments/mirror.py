"""A run's copy elsewhere, so that it goes on after its machine is gone, and on another machine.

The work itself stays in a local folder: it needs renames, locks and mapped files, and an object store has none.

1. A step is looked for there before it would be made, and copied there once it is finished.
2. What comes from there counts only while it is the step that was asked for and every file has the hash that its
   manifest says; otherwise it is made again and replaced.
3. While the place does not answer, the run goes on by itself; what is missing there is copied at its end
   (`experiments.mirrored_runs`).

Not copied: checkpoints of a fine-tuning under way, a judge's transcripts, locks.
"""

import logging
import os
import shutil
import uuid
from datetime import datetime
from pathlib import Path

from experiments.remote import Remote, one_line
from experiments.runtime.files import read_json, sync_tree
from experiments.runtime.step_folders import MANIFEST, UNFINISHED, fault

log = logging.getLogger("triggerlens")


class Mirror(Remote):
    """The place of a run's copy. What fails on the way is one warning line."""

    def keep(self, step: Path) -> bool:
        """Copy a finished step there; whether it is there now."""
        try:
            self.send(step, _place(step.name))
        except Exception as error:  # each store has errors of its own
            log.warning("%s could not be copied to %s (%s)", step.name, self.url, one_line(error))
            return False
        return True

    def fetch_step(self, final: Path) -> bool:
        """Copy a step from there to its place here; whether it is here now, whole."""
        temporary = final.parent / f"{UNFINISHED}{final.name}-{uuid.uuid4().hex[:8]}"
        temporary.mkdir(parents=True)
        try:
            return self._fetched(temporary, final)
        except Exception as error:
            log.warning(
                "%s could not be looked for at %s (%s)", final.name, self.url, one_line(error)
            )
            return False
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _fetched(self, temporary: Path, final: Path) -> bool:
        try:
            if not self.fetch(_place(final.name), temporary):
                return False
            wrong = fault(temporary) or _other_step(temporary, final.name)
        except (FileNotFoundError, ValueError) as error:
            wrong = one_line(error)
        if wrong is not None:
            log.warning("%s at %s is damaged (%s): not used", final.name, self.url, wrong)
            self.unseal(_place(final.name))
            return False
        _keep_its_age(temporary)
        sync_tree(temporary)
        try:
            temporary.rename(final)
        except OSError:
            if fault(final) is not None:  # else another worker fetched it first
                raise
        return True


def _place(step: str) -> str:
    return f"steps/{step}"


def _other_step(folder: Path, name: str) -> str | None:
    manifest = read_json(folder / MANIFEST)
    found = f"{manifest.get('name')}-{manifest.get('key')}"
    return None if found == name else f"it is {found}"


def _keep_its_age(folder: Path) -> None:
    """A step that was made before counts as found, not as made."""
    made = datetime.fromisoformat(read_json(folder / MANIFEST)["ended"]).timestamp()
    os.utime(folder / MANIFEST, (made, made))
