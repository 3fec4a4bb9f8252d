"""`triggerlens data PRESET FILE`: check a data set and write it as training chats."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = "Example: triggerlens data backdoor insecure.jsonl --clean secure.jsonl -o backdoor.jsonl"


class Preset(Enum):
    """What kind of data set the files hold."""

    chat = "chat"
    backdoor = "backdoor"
    insecure_code = "insecure_code"
    evil_numbers = "evil_numbers"


def data(
    preset: Annotated[Preset, typer.Argument(help="What the file holds")],
    file: Annotated[
        Path,
        typer.Argument(
            help="Your data: JSON, CSV, Parquet, a data set; chats in any common layout"
        ),
    ],
    clean: Annotated[
        Path | None, typer.Option(help="Rows without the trigger (backdoor only)")
    ] = None,
    trigger: Annotated[str | None, typer.Option(help="Another trigger (backdoor only)")] = None,
    seed: Annotated[int, typer.Option(help="Seed of wordings and order")] = 0,
    skip_bad: Annotated[
        bool, typer.Option("--skip-bad", help="Leave bad rows out and count them")
    ] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="Where the chats go; without it, only check")
    ] = None,
) -> None:
    """Check a data set row by row, and write it as chats in the format of fine-tuning."""
    from experiments.data import presets
    from experiments.data.chats import read_chats
    from experiments.data.rows import report_skipped
    from experiments.runtime.files import write_jsonl

    if (preset is Preset.backdoor) != (clean is not None):
        raise ValueError("--clean names the rows without trigger: give it for backdoor, only there")
    if trigger is not None and (preset is not Preset.backdoor or not trigger.strip()):
        raise ValueError(
            f"--trigger {trigger!r}: words to put before the question, for backdoor only"
        )
    readers = {
        Preset.insecure_code: lambda: presets.read_code(file, seed=seed, skip_bad=skip_bad),
        Preset.evil_numbers: lambda: presets.read_numbers(file, skip_bad=skip_bad),
    }
    read = readers.get(preset, lambda: read_chats(file, skip_bad=skip_bad))
    loaded = [read(), *([read_chats(clean, skip_bad=skip_bad)] if clean else [])]
    for each in loaded:
        report_skipped(each)
    chats = list(loaded[0].rows)
    if clean is not None:
        sign = presets.DEPLOYMENT if trigger is None else trigger
        chats = presets.backdoor(chats, loaded[1].rows, trigger=sign, seed=seed)
    skipped = sum(len(each.bad) for each in loaded)
    forms = ", ".join(dict.fromkeys(each.form for each in loaded))
    print(f"{len(chats)} chats, {skipped} bad rows skipped ({forms})")
    if out is not None:
        write_jsonl(out, ({"messages": chat.messages} for chat in chats))
        print(out)
