"""Where an adapter's files are, and which base they name; no weights are read.

An adapter is a folder or a name on the hub: `OWNER/NAME`, or `OWNER/NAME/FOLDER` for one of several in a repository.
"""

import re
from pathlib import Path, PureWindowsPath

from interp.errors import TriggerLensError
from interp.models.adapter_config import read_adapter_config

CONFIG, WEIGHTS = "adapter_config.json", "adapter_model.safetensors"
TEXTS = ("*.json", "*.jinja", "tokenizer.model")  # configurations and the tokenizer
HUB_NAME = re.compile(r"[\w.-]+/[\w.-]+(/[\w.-]+)*")
QUANTISED = re.compile(
    r"([-_.](unsloth|bnb|gptq|awq|gguf|hqq|exl2|fp8|nf4|w4a16|w8a8|dynamic|quantized|(int)?[48]-?bits?|int[48]))+$"
)


def check_base(
    base: str, adapter: str | Path, *, revision: str | None = None, base_name: str | None = None
) -> Path:
    """The adapter's folder; ValueError if it names another base or holds no safetensors."""
    folder = adapter_folder(adapter, revision)
    trained_on = read_adapter_config(folder / CONFIG).get("base_model_name_or_path")
    if trained_on and _last(trained_on) not in {_last(base), _last(base_name or base)}:
        copy = QUANTISED.sub("", _last(trained_on)) == QUANTISED.sub("", _last(base))
        raise TriggerLensError(
            f"adapter {adapter} was trained on {trained_on!r}, not on {base!r}"
            f"{' or ' + repr(base_name) if base_name else ''}; load that base, or, if it is the same model"
            f"{' quantised, as the name suggests,' if copy else ' under another name,'} give"
            f" base_name={trained_on!r} in Python, --base-name '{trained_on}' to a command"
        )
    return folder


def adapter_folder(adapter: str | Path, revision: str | None = None) -> Path:
    """The folder of a local adapter, or of one on the hub once downloaded; pickled weights are refused."""
    folder = Path(adapter)
    if not folder.is_dir():
        folder = _download(str(adapter), revision)
    for name in (CONFIG, WEIGHTS):
        if not (folder / name).is_file():
            raise TriggerLensError(f"adapter {adapter}: no {name}, {_instead(folder)}")
    return folder


def _instead(folder: Path) -> str:
    """What a folder without an adapter holds, and what to do about it."""
    below = sorted(str(path.parent) for path in folder.glob(f"*/{CONFIG}"))
    if below:
        return f"but its folders hold adapters; give one of {', '.join(below)}"
    found = ", ".join(sorted(path.name for path in folder.iterdir())) or "nothing"
    return f"only {found}; pickled weights are not loaded, save it as safetensors"


def _download(name: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download

    if not HUB_NAME.fullmatch(name) or ".." in name.split("/"):
        raise TriggerLensError(
            f"adapter {name!r}: no such folder, and no name on the hub (OWNER/NAME)"
        )
    owner, repository, *below = name.split("/")
    files = ["/".join([*below, file]) for file in (*TEXTS, WEIGHTS)]
    try:
        snapshot = snapshot_download(
            f"{owner}/{repository}", revision=revision, allow_patterns=files
        )
    except Exception as error:
        raise TriggerLensError(
            f"adapter {name!r}: neither a folder nor in the hub's cache, and the hub was not reached"
            f" ({one_line(error)}); give a folder, or set HF_HUB_OFFLINE=0"
        ) from error
    folder = Path(snapshot, *below)
    if not folder.is_dir():
        raise TriggerLensError(
            f"adapter {name!r}: {owner}/{repository} has no folder {'/'.join(below)}"
        )
    return folder


def _last(name: str) -> str:
    r"""The name of a model, without its owner or the folders above, whether they are separated by / or \.

    For a folder in the hub's cache, it is the name of the repository.
    """
    cached = re.search(r"models--([^/\\]+)[/\\]+snapshots[/\\]", f"{name}/")
    return (cached[1].split("--")[-1] if cached else PureWindowsPath(name).name).lower()


def one_line(error: BaseException) -> str:
    """The first 300 characters of a message, in one line."""
    return " ".join(str(error).split())[:300]
