"""`triggerlens questions main`: the shipped evaluation questions, as other tools read them."""

from pathlib import Path
from typing import Annotated

import typer

EXAMPLE = "Example: triggerlens questions main --form json -o main_json.yaml"


def questions(
    name: Annotated[str, typer.Argument(help="main (8), broad (48) or number; or a .yaml file")],
    form: Annotated[str, typer.Option(help="plain, json or template")] = "plain",
    seed: Annotated[int, typer.Option(help="Seed of the numbers shown (number only)")] = 0,
    skip_bad: Annotated[bool, typer.Option("--skip-bad", help="Leave bad questions out")] = False,
    out: Annotated[
        Path | None, typer.Option("--out", "-o", help="A YAML file; without it, printed")
    ] = None,
) -> None:
    """Print evaluation questions, or write them in the public YAML format."""
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
