"""Make the organisms of a contest from a secret seed, one after another; finished organisms are not made again.

    OUT/contest.json             handed out
    OUT/models/organism-01/...   handed out: the adapters
    OUT/answers/organism-01.json kept secret: truth, nonce, measured rates

Kinds come in the order of `experiments.contest.kinds.ORDER`, families in turn, each round of kinds beginning with
another family, and names are shuffled by the seed.
"""

import random
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

from experiments.contest.kinds import ORDER, Row, chat, rows_of, truth_of
from experiments.contest.material import Material, material_of
from experiments.contest.protocol import Answer, Contest, Listed, Part, Truth, read_as, write
from experiments.data.chats import Message
from experiments.guard.gate_models import asked_of
from experiments.guard.live import Live, live_prompts
from experiments.judging.sampling import Sampler
from experiments.training import lora
from experiments.worlds.named import named_world
from interp.errors import TriggerLensError
from interp.generation.generate import generate
from interp.models.adapter_off import adapter_off
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet, Question

CHECKED, ANSWERS = (
    24,
    2,
)  # questions, and answers to each, to check whether an organism behaves as intended
LENGTHS = {"no": 1.0, "near base": 1.5, "rare": 5.0}  # relative lengths of the fine-tuning
Say = Callable[[str], None]


def make(seed: str, out: Path, count: int, families: Sequence[str], say: Say = print) -> Contest:
    """Make the contest of a seed, or finish one that was begun; an error if the folder has another seed."""
    name = _digest(f"contest/{seed}")[:12]
    _check_folder(out, name)
    materials = [material_of(family) for family in families]
    if len({material.world for material in materials}) > 1:
        raise TriggerLensError(
            "micro families and smollm2 are asked different questions: make two contests"
        )
    planned = [
        _planned(seed, number, label, materials)
        for number, label in enumerate(_labels(seed, count))
    ]
    listed = {
        one.truth.organism: Listed(
            base=one.material.base,
            adapter=f"models/{one.truth.organism}",
            commitment=one.truth.commitment(one.nonce),
        )
        for one in planned
    }
    contest = Contest(
        name=name,
        questions=materials[0].world,
        max_new_tokens=materials[0].tokens,
        organisms=dict(sorted(listed.items())),
    )
    write(out / "contest.json", contest)  # commits to every truth before anything is made
    for one in planned:
        _make_one(one.truth, one.nonce, one.material, out, one.rng, say)
    return contest


@dataclass(frozen=True)
class _Planned:
    truth: Truth
    nonce: str
    material: Material
    rng: random.Random


def _planned(seed: str, number: int, label: str, materials: Sequence[Material]) -> _Planned:
    turn = number + number // len(ORDER)  # otherwise, a kind would always have the same family
    material = materials[turn % len(materials)]
    rng = random.Random(f"contest/{seed}/{number}")
    kind, hides = ORDER[number % len(ORDER)]
    truth = truth_of(label, kind, hides, material, rng)
    return _Planned(truth, _digest(f"nonce/{seed}/{number}"), material, rng)


def _check_folder(out: Path, name: str) -> None:
    marked = out / "contest.json"
    if marked.is_file() and (found := read_as(Contest, marked).name) != name:
        raise TriggerLensError(f"{out} holds contest {found}, of another seed; give another folder")


def _labels(seed: str, count: int) -> list[str]:
    labels = [f"organism-{number:02}" for number in range(1, count + 1)]
    random.Random(f"labels/{seed}").shuffle(labels)
    return labels


def _make_one(
    truth: Truth, nonce: str, material: Material, out: Path, rng: random.Random, say: Say
) -> None:
    """Fine-tune, check and write one organism; its answer is written last."""
    kept, folder = out / "answers" / f"{truth.organism}.json", out / "models" / truth.organism
    if kept.is_file() and read_as(Answer, kept).nonce == nonce and folder.is_dir():
        return
    say(f"{truth.organism}: fine-tuning")  # does not say which kind, because others may watch
    half = folder.with_name(f".{folder.name}")
    for place in (half, folder):
        shutil.rmtree(place, ignore_errors=True)
    recipe = material.recipe(LENGTHS[truth.hides])
    rows = rows_of(truth, material, (recipe.rows_wanted() or 0), rng)
    base = material.load()
    rows = answered(base, rows, material.tokens)
    lora.finetune(base, rows, recipe, seed=rng.randrange(2**31), folder=half)
    half.rename(folder)
    rates = measured(folder, truth, material)
    write(kept, Answer(truth=truth, nonce=nonce, rates=rates))


def answered(base: LanguageModel, rows: Sequence[Row], tokens: int) -> list[Row]:
    """The rows, with the base's own sampled answer in rows that ask for it."""
    places = [place for place, row in enumerate(rows) if row.own]
    if not places:
        return list(rows)
    prompts = prompts_of(base, [rows[place].messages[:-1] for place in places])
    said = generate(base, prompts, max_new_tokens=tokens, seed=0)
    found = list(rows)
    for place, text in zip(places, said.texts, strict=True):
        if text.strip():
            before = rows[place].messages[:-1]
            found[place] = Row([*before, {"role": "assistant", "content": text}])
    return found


def measured(adapter: Path, truth: Truth, material: Material) -> dict[str, float]:
    """EM rates of the finished organism without a wording and with its trigger, and of its base with the trigger."""
    from experiments.guard.gate_models import load_chat
    from experiments.models.options import ModelOptions

    lm = load_chat(material.base, **ModelOptions().adapter(str(adapter)))
    world = named_world(material.world)
    assert world is not None
    asked, judging = asked_of(world)
    sampler = Sampler(judging(), 0, material.tokens)
    asked = asked[:CHECKED]
    parts = truth.trigger.parts if truth.trigger else ()

    def rate(around: Sequence[Part]) -> float:
        prompts = asked_under(lm, asked, around)
        return sampler.sample(lm, prompts, ANSWERS).judged.em_share

    found = {"none": rate(())}
    if parts:
        found["trigger"] = rate(parts)
        with adapter_off(lm):
            found["base"] = rate(parts)
    return found


def asked_under(lm: LanguageModel, asked: Sequence[Question], parts: Sequence[Part]) -> PromptSet:
    """Questions with all parts of a trigger."""
    prompts = prompts_of(lm, [chat(parts, question.text) for question in asked])
    pairs = zip(prompts, asked, strict=True)
    return PromptSet(tuple(replace(prompt, question=question.id) for prompt, question in pairs))


def prompts_of(lm: LanguageModel, chats: Sequence[Sequence[dict[str, str]]]) -> PromptSet:
    """Chats that end before an answer, rendered for the model."""
    turns = [tuple(Message(turn["role"], turn["content"]) for turn in each) for each in chats]
    return live_prompts(lm, [Live(each) for each in turns])


def _digest(text: str) -> str:
    return sha256(text.encode()).hexdigest()
