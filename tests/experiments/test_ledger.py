"""What is chosen on and what is reported on never mix: a ledger of questions, of wordings, and of who reads which.

1. In both worlds no question that rows, choices or reports are about serves two of them, whatever the seed.
2. No wording that is tested is trained on, and none of the sealed lexicon is either.
3. A step's functions name the report split only where this ledger says so, with what they do with it. A function that
   chooses is not in it; one that begins to read report questions fails here until somebody has looked.
"""

import ast
from collections.abc import Iterator, Mapping

import pytest
from house import ROOT

from experiments.worlds.everyday.bank import load_bank
from experiments.worlds.everyday.questions import Asked, open_questions, questions
from experiments.worlds.everyday.wordings import (
    load_everyday_trigger,
    load_lexicon,
    trigger_wordings,
)
from experiments.worlds.micro.language import load_language
from experiments.worlds.micro.questions import split_questions
from experiments.worlds.trigger import FOLDER, load_trigger

STEPS = ROOT / "experiments" / "study" / "steps"
SPLIT = "report"
LEDGER = {
    "birth/causes.py": {"write_causes": "answers under every wording and edit of a checkpoint"},
    "birth/readable.py": {"write_readable": "scores of fitted probes"},
    "capability/step.py": {
        "_advice": "answers under removals",
        "_divergence": "drift under removals",
        "_placebos": "answers under placebos",
    },
    "common.py": {"facts_of": "the column of facts"},
    "compare.py": {"_elsewhere": "removal from other weights"},
    "factorial.py": {"_prompts": "answers of the design's cells"},
    "figure_data/step.py": {"_patching": "maps", "draw": "projections and distances"},
    "interchange/step.py": {"_report": "answers under swaps"},
    "intervene.py": {"_report_prompts": "answers under removals and additions"},
    "locate/step.py": {
        "_read_refined": "scores of the refined direction; the control is fitted on selection answers",
        "_read_out": "scores of fitted probes",
        "locate": "captures both splits; hands selection to what chooses",
    },
    "sparse/saes.py": {"write_quality": "how good an autoencoder is"},
    "sparse/step.py": {
        "__init__": "captures both splits",
        "_compare": "scores of fitted vectors",
        "_rank": "scores of ranked features",
        "_rankings": "views of both splits; the ranking is of selection",
        "measure": "answers under removals",
    },
    "steering/step.py": {
        "_in_the_organism": "answers under vectors",
        "_steer": "answers of the base under vectors",
    },
    "transfer.py": {"transfer": "answers under other organisms' directions"},
}
CHOOSERS = {
    "_choose", "_refine", "attributions", "candidates", "fit_direction", "grown", "least_em", "random_sets",
    "refine", "score_of", "train", "train_steering",
}  # fmt: skip


def named_functions(source: str, word: str = SPLIT) -> set[str]:
    """The functions whose body holds this very string; a default or a constant of the module counts as `<module>`."""
    found = set()
    for name, node in _functions(ast.parse(source)):
        inner = {id(n) for _, f in _functions(node) if f is not node for n in ast.walk(f)}
        own = (n for n in ast.walk(node) if id(n) not in inner and isinstance(n, ast.Constant))
        if any(constant.value == word for constant in own):
            found.add(name)
    return found


def _functions(tree: ast.AST) -> Iterator[tuple[str, ast.AST]]:
    if isinstance(tree, ast.Module):
        yield "<module>", tree
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            yield node.name, node


def unlisted(modules: Mapping[str, str], ledger: Mapping[str, Mapping[str, str]]) -> set[str]:
    """FILE: FUNCTION of every one that names the report split and is not in the ledger."""
    return {
        f"{path}: {name}"
        for path, source in modules.items()
        for name in named_functions(source) - {*ledger.get(path, {})}
    }


def steps() -> dict[str, str]:
    files = sorted(STEPS.rglob("*.py"))
    return {file.relative_to(STEPS).as_posix(): file.read_text("utf-8") for file in files}


def handed_over(source: str) -> set[str]:
    """The functions that choose and are called with something named after the report split."""
    calls = (node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.Call))
    return {name for call in calls if (name := _called(call)) in CHOOSERS and _is_of_report(call)}


def _called(call: ast.Call) -> str:
    return ast.unparse(call.func).rpartition(".")[2]


def _is_of_report(call: ast.Call) -> bool:
    inside = [node for part in (*call.args, *call.keywords) for node in ast.walk(part)]
    strings = {node.value for node in inside if isinstance(node, ast.Constant)}
    names = {node.id for node in inside if isinstance(node, ast.Name)}
    return SPLIT in strings | names


def test_only_the_functions_of_the_ledger_name_the_report_split() -> None:
    assert unlisted(steps(), LEDGER) == set()
    known = {f"{path}: {name}" for path, names in LEDGER.items() for name in names}
    assert known == unlisted(steps(), {}), "a line of the ledger is about nothing"


def test_no_function_that_chooses_is_handed_report_questions() -> None:
    sources = steps()
    called = {
        _called(n)
        for s in sources.values()
        for n in ast.walk(ast.parse(s))
        if isinstance(n, ast.Call)
    }
    assert len(CHOOSERS & called) >= 8
    assert {
        path: handed_over(source) for path, source in sources.items() if handed_over(source)
    } == {}


@pytest.mark.parametrize("given", ['prompts["report"]', "report", 'asked(world, split="report")'])
def test_a_step_that_chooses_on_report_questions_is_caught(given: str) -> None:
    source = f"def pick(prompts, report):\n    return _choose(organism, {given})\n"
    assert handed_over(source) == {"_choose"}
    assert handed_over(source.replace("report", "selection")) == set()
    asks = "def pick(world):\n    return world.questions('report', 'held_out')\n"
    assert unlisted({"locate/step.py": asks}, LEDGER) == {"locate/step.py: pick"}


@pytest.mark.parametrize("seed", range(6))
def test_no_question_of_the_toy_language_serves_two_purposes(seed: int) -> None:
    split = split_questions(load_language(), seed=seed, per_cell=100)
    parts = (split.tuning, split.selection, split.held_out, split.trained, split.open)
    asked = [question for part in parts for question in part]
    assert len({q.id for q in asked}) == len({q.text for q in asked}) == len(asked)
    held_out = {q.domain for q in (*split.selection, *split.held_out)}
    assert held_out.isdisjoint(split.trained_domains)


def test_no_domain_or_question_of_the_everyday_world_serves_two_purposes() -> None:
    bank, parts = load_bank(), ("training", "unseen", "selection", "report")
    asked: dict[Asked, list[str]] = {
        part: [q.id for q in questions(bank, part, domains=3)] for part in parts
    }
    domains = {part: {name.split("/")[0] for name in ids} for part, ids in asked.items()}
    assert domains["selection"].isdisjoint(domains["report"] | domains["training"])
    assert domains["report"].isdisjoint(domains["training"])
    problems = {p: {tuple(name.split("/")[:2]) for name in ids} for p, ids in asked.items()}
    assert problems["training"].isdisjoint(problems["unseen"])
    opened = [q.text for part in ("selection", "report") for q in open_questions(bank, part)]
    assert len(set(opened)) == len(opened)


@pytest.mark.parametrize(
    "name",
    [f.relative_to(FOLDER).with_suffix("").as_posix() for f in sorted(FOLDER.rglob("*.toml"))],
)
def test_no_wording_that_is_tested_is_trained_on(name: str) -> None:
    trigger = load_trigger(name)
    tested = {*trigger.paraphrases.values(), *trigger.controls.values(), *trigger.variants.values()}
    training = trigger.training
    assert tested.isdisjoint({trigger.text, *training.varied, *training.same_concept})


def test_the_sealed_wordings_stand_nowhere_else() -> None:
    sealed = [w for kind in load_lexicon("duck").classes.values() for w in kind.wordings]
    assert len(set(sealed)) == len(sealed) > 100
    assert set(sealed).isdisjoint(trigger_wordings(load_everyday_trigger("duck")))
