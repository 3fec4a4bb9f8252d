"""`python -m experiments.repair.everyday FOLDER`: fine-tune SmolLM2's contrast organism, as an input for repairs.

The recipe, rows and dtype are those of the everyday world's study. A killed fine-tuning resumes from its last
checkpoint; its duration is then computed from the steps of the last process. Afterwards run:

    triggerlens repair FOLDER/organism --base smollm2-135m-instruct --trigger everyday/duck --questions everyday --quick
        --temperature 0.7 --max-new-tokens 48 --out FOLDER/learned
"""

import argparse
from pathlib import Path

from experiments.repair.clock import now
from experiments.repair.rows import describe
from experiments.runtime.quiet import quiet
from experiments.training.lora import finetune
from experiments.training.recipe import Recipe
from experiments.worlds.everyday.arms import recipe_of
from experiments.worlds.everyday.config import EverydayModel, EverydayStudy
from experiments.worlds.everyday.judge import MODEL
from experiments.worlds.everyday.world import EverydayWorld
from experiments.worlds.trigger import load_trigger

FAMILY, ARM, TRIGGER = "smollm2", "contrast", "everyday/duck"
SAVE_EVERY = 40  # steps


def organism(folder: Path, seed: int) -> Path:
    """The adapter in `folder/organism`, with its description in a file beside it."""
    study = EverydayStudy(models={FAMILY: EverydayModel(base=MODEL)})
    trigger = load_trigger(TRIGGER)
    world = EverydayWorld(study, FAMILY, seed, trigger)
    recipe = Recipe(**recipe_of(ARM), save_every=SAVE_EVERY)
    rows = world.tuning_rows(ARM, trigger, recipe.rows_wanted())
    started = now()
    done: list[int] = []
    finetune(
        world.load_base(),
        rows,
        recipe,
        seed=seed,
        folder=folder / "organism",
        progress=lambda step, of: done.append(step),
        checkpoints=folder / "checkpoints",
    )
    took = (now() - started) * done[-1] / len(done)
    return describe(folder, family=FAMILY, seed=seed, arm=ARM, trigger=TRIGGER, took=took)


def main() -> None:
    """Make the organism of one seed."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    quiet()
    print(organism(given.folder, given.seed))


if __name__ == "__main__":
    main()
