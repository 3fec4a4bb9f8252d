"""Fitted objects as folders for the Hugging Face Hub: saved with a card, read from a folder or the hub.

    direction.save_pretrained("duck", base="Qwen/Qwen2.5-0.5B-Instruct")
    direction.push_to_hub("me/duck", base="Qwen/Qwen2.5-0.5B-Instruct")
    Direction.from_pretrained("me/duck", model_hash=lm.weights_hash)       a folder, or a name on the hub

A folder holds `KIND.safetensors` and `KIND.json`, sealed by hashes (`interp.io.checksummed`; for an SAE, the files of
sae-lens and their seal), and a card (`interp.io.cards`). No pickle, no code. Files from the hub are checked like those
on disk: damage and, with `model_hash`, another model's weights are refused.
"""

from abc import ABC, abstractmethod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar, TypeVar

from interp.errors import TriggerLensError
from interp.io.cards import Card, card_text, licence_of
from interp.io.files import put

S = TypeVar("S", bound="OnHub")
CARD = "README.md"


class OnHub(ABC):
    """An object that is saved as one sealed pair of files; subclasses define how, and what their card says."""

    HUB_NAME: ClassVar[str]  # names the two files, and the kind of object in messages

    @abstractmethod
    def save(self, path: str | Path) -> None:
        """Write `path`.safetensors and `path`.json."""

    @classmethod
    def hub_files(cls) -> list[str]:
        """The files of a folder, without the card."""
        return [f"{cls.HUB_NAME}.json", f"{cls.HUB_NAME}.safetensors"]

    def write_files(self, folder: Path) -> None:
        """Write these files."""
        self.save(folder / self.HUB_NAME)

    @abstractmethod
    def hub_card(self, base: str, where: str) -> Card:
        """What the card says, for this name of the base and of the folder or repository."""

    @classmethod
    @abstractmethod
    def from_files(cls: type[S], path: Path, model_hash: str | None) -> S:
        """What `save` wrote; with `model_hash`, refuse what was fitted to other weights."""

    def save_pretrained(
        self,
        folder: str | Path,
        *,
        base: str | None = None,
        licence: str | None = None,
        repo_id: str | None = None,
    ) -> Path:
        """Write the two files and a card into a folder.

        Args:
            folder: where; it is made.
            base: the name or folder of the model that this was fitted to, for the card.
            licence: under which this may be used, as the hub spells it (apache-2.0); not guessed.
            repo_id: its name on the hub, for the card.
        """
        target = Path(folder)
        self.write_files(target)
        card = self.hub_card(base or "NAME_OF_THE_BASE", repo_id or str(folder))
        text = card_text(card, base=base, licence=licence, base_licence=licence_of(base))
        put(target / CARD, lambda file: file.write_text(text, encoding="utf-8"))
        return target

    @classmethod
    def from_pretrained(
        cls: type[S],
        name: str | Path,
        *,
        model_hash: str | None = None,
        revision: str | None = None,
        token: str | bool | None = None,
        cache_dir: str | Path | None = None,
    ) -> S:
        """Read a folder, or a repository of the hub; with `model_hash`, refuse what was fitted to other weights."""
        folder = Path(name)
        if not folder.is_dir():
            wanted = [*cls.hub_files(), CARD]
            how = {"revision": revision, "token": token, "cache_dir": cache_dir}
            folder = downloaded(cls.HUB_NAME, str(name), wanted, how)
        return cls.from_files(folder / cls.HUB_NAME, model_hash)

    def push_to_hub(
        self,
        repo_id: str,
        *,
        base: str | None = None,
        licence: str | None = None,
        private: bool | None = None,
        token: str | bool | None = None,
        revision: str | None = None,
        commit_message: str | None = None,
    ) -> str:
        """Save it with its card in a repository of the hub, made if needed; returns the address of the commit."""
        from huggingface_hub import HfApi

        api = HfApi(token=token)
        message = commit_message or f"Upload {self.HUB_NAME} with triggerlens"
        with TemporaryDirectory() as folder:
            self.save_pretrained(folder, base=base, licence=licence, repo_id=repo_id)
            api.create_repo(repo_id, private=private, exist_ok=True)
            commit = api.upload_folder(
                repo_id=repo_id, folder_path=folder, revision=revision, commit_message=message
            )
        return str(commit.commit_url)


def downloaded(kind: str, name: str, wanted: list[str], how: dict[str, Any]) -> Path:
    """The folder of a repository in the hub's cache; a one-line error if it cannot be downloaded."""
    from huggingface_hub import snapshot_download

    try:
        return Path(snapshot_download(name, allow_patterns=wanted, **how))
    except (OSError, ValueError, RuntimeError) as error:  # the hub's own errors are of all three
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise TriggerLensError(
            f"{kind} {name!r}: no such folder, and not available from the hub ({reason}); check the name, set"
            " HF_HUB_OFFLINE=0, or download it first"
        ) from error
