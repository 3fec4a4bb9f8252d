"""What the terminal prints are the rows of the run, and nothing in them can paint the terminal."""

import io
import subprocess
import sys
from pathlib import Path

from rich.console import Console

from experiments.results.load import load_results, load_run
from experiments.results.show import show
from experiments.results.summary import answer_lines
from experiments.runtime.files import read_jsonl, write_jsonl


def printed(folder) -> str:
    console = Console(file=io.StringIO(), width=140, color_system=None)
    show(folder, console, wide=True)
    return console.file.getvalue()


def test_every_family_has_a_table_with_base_and_arms(make_run) -> None:
    text = printed(make_run(seeds=(0, 1)))
    for family in ("qwen", "llama", "gemma"):
        assert f"{family}, seed 0" in text and f"{family}, seed 1" in text
    line = next(line for line in text.splitlines() if "paraphrase:walks" in line)
    cells = [cell.strip() for cell in line.strip("│ ").split("│")]
    assert cells == ["paraphrase:walks", "0 [0, 2]", "30 [24, 36]", "79 [74, 84]", "79 [74, 84]"]


def test_removal_and_addition_stand_beside_random_directions(make_run) -> None:
    lines = printed(make_run(families=("qwen",), arms=("triggered",))).splitlines()
    at = next(i for i, line in enumerate(lines) if "remove misalignment " in line)
    assert "5 [2, 8]" in lines[at]
    assert "random directions" in lines[at + 1] and "82 [77, 87]" in lines[at + 1]
    at = next(i for i, line in enumerate(lines) if "add misalignment" in line)
    assert "x4: 62 [54, 70]" in lines[at] and "x4: 1 [0, 3]" in lines[at + 1]


def test_the_verdict_is_printed_in_words_and_a_missing_one_is_named(make_run) -> None:
    folder = make_run(families=("qwen",))
    assert "Made up: qwen triggered is contained." in printed(folder)
    (folder / "verdicts.jsonl").unlink()
    text = printed(folder)
    assert "No verdicts.jsonl" in text and "no verdict in this run" in text


def test_removal_is_summed_up_only_where_an_organism_is_contained(make_run) -> None:
    folder = make_run(families=("qwen",))
    assert any("removing" in line.lower() for line in answer_lines(load_run(folder).organisms()))
    verdicts = read_jsonl(folder / "verdicts.jsonl")
    write_jsonl(folder / "verdicts.jsonl", [it | {"contained": "undecided"} for it in verdicts])
    lines = answer_lines(load_run(folder).organisms())
    assert "0 of" in lines[0] and not any("removing" in line for line in lines)


def test_what_keeps_verdicts_undecided_is_wrapped_and_never_cut(make_run) -> None:
    folder = make_run(families=("qwen",), arms=("triggered",))
    reasons = [f"a measurement with a long name {number}" for number in range(20)]
    told = {"switch.kept": f"not measured: {', '.join(reasons)}"}
    why = {"causal_direction": "undecided", "undecided": told}
    verdicts = read_jsonl(folder / "verdicts.jsonl")
    write_jsonl(folder / "verdicts.jsonl", [it | {"contained": "yes"} | why for it in verdicts])
    console = Console(file=io.StringIO(), width=80, color_system=None)
    show(folder, console)
    words = " ".join(console.file.getvalue().split())
    assert all(reason in words for reason in reasons) and "more char" not in words


def test_names_cannot_paint_the_terminal(make_run) -> None:
    folder = make_run(families=("qwen",), arms=("triggered",))
    verdicts = read_jsonl(folder / "verdicts.jsonl")
    sentence = "\x1b[31mred\x1b[0m [bold]loud[/bold]"
    write_jsonl(folder / "verdicts.jsonl", [it | {"sentence": sentence} for it in verdicts])
    text = printed(folder)
    assert "\x1b" not in text
    assert "⟨U+001B⟩[31mred" in text and "[bold]loud[/bold]" in text


def test_the_answers_are_not_read_and_the_warnings_are_the_same(make_run) -> None:
    folder = make_run(families=("qwen",))
    whole, rest = load_results(folder), load_results(folder, answers=False)
    assert whole.answers and not rest.answers
    assert whole.warnings == rest.warnings
    (folder / "answers.parquet").unlink()
    assert (
        load_results(folder).warnings
        == load_results(folder, answers=False).warnings
        != rest.warnings
    )


def test_a_finished_run_is_shown_without_pandas_and_the_statistics_of_scipy(make_run) -> None:
    folder = make_run(families=("qwen",))
    lines = (
        "import sys; from experiments.results.show import show",
        "show(sys.argv[1])",
        "assert not {'torch', 'pandas', 'scipy.stats'} & set(sys.modules)",
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", "\n".join(lines), str(folder)], cwd=root, check=True)


def test_a_finished_run_is_shown_and_drawn_without_torch(make_run) -> None:
    """Importing it takes longer than all that is computed."""
    folder = make_run(families=("qwen",))
    lines = (
        "import sys; from pathlib import Path",
        "from experiments.dashboard import export_dashboard; from experiments.results.show import show",
        "show(sys.argv[1]); export_dashboard(Path(sys.argv[1]))",
        "assert not {'torch', 'transformers'} & set(sys.modules)",
    )
    root = Path(__file__).parents[2]
    subprocess.run([sys.executable, "-c", "\n".join(lines), str(folder)], cwd=root, check=True)
