"""Every probe at every layer and position, with the controls that its numbers have to be compared with.

Method:
1. Questions (not rows) are dealt into folds; `grouped=False` must be requested and is noted in every row of the result.
2. Each fold's strength, and in the "choice" rows its layer and probe, are chosen by the other folds (nested selection).
3. All folds, strengths and shuffled label sets of a layer are solved together (`probes.nested`).
4. Controls: shuffled labels through the same selection; random directions; a control task of memorised labels
   (selectivity, Hewitt and Liang 1909.03368); the score of knowing only the prompt; the score of surface features.
5. AUROC (ties as halves), accuracy and calibration error come with intervals that resample questions.

A sweep cannot tell whether labels, questions or surface features are the right ones; and a probe that reads a concept
does not show that the model uses it.
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch

from interp.errors import TriggerLensError
from interp.io.validation import check_count, check_device
from probes.arrays import as_array
from probes.asked import check_strengths, named_probes
from probes.choice import Cell, choose_among
from probes.controls import prompt_identity_scores
from probes.difference_of_means import DifferenceOfMeans
from probes.discriminant import DiscriminantProbe
from probes.estimate import RESAMPLES
from probes.groups import group_codes
from probes.logistic import LogisticProbe
from probes.nested import choose, fold_auroc, read_layer, strengths_of
from probes.paired import PairedDifference
from probes.places import Place, Problem, pose
from probes.splits import Folds, default_folds, make_folds, permuted
from probes.sweep_result import SweepResult
from probes.sweep_rows import Evidence, tabulate

DRAWS = 5  # control tasks for selectivity


def default_probes(problem: Problem, folds: int) -> dict[str, Any]:
    """Difference of means, discriminant, logistic; paired too, if enough questions have both classes."""
    found: dict[str, Any] = {
        "difference of means": DifferenceOfMeans(),
        "discriminant": DiscriminantProbe(),
        "logistic": LogisticProbe(),
    }
    both = np.intersect1d(problem.codes[problem.y], problem.codes[~problem.y])
    if len(both) >= 2 * folds:
        found["paired difference"] = PairedDifference()
    return found


def sweep(
    activations: Any,
    labels: Any,
    groups: Iterable[Hashable] | None = None,
    *,
    probes: Mapping[str, Any] | None = None,
    strengths: Mapping[str, Sequence[float]] | None = None,
    folds: int | None = None,
    grouped: bool = True,
    prompts: Iterable[Hashable] | None = None,
    surface: Any = None,
    controls: bool = True,
    permutations: int = 20,
    resamples: int = RESAMPLES,
    seed: int = 0,
    device: str | torch.device | None = None,
) -> SweepResult:
    """Cross-validate probes over layers, positions and strengths, with controls.

    Args:
        activations: `Activations`, or {position: Activations}, or an array or tensor [row, d_model] or
            [row, layer, d_model], or a mapping of those. All with the same rows.
        labels: one of two classes for each row; read-outs point from the first (in sorted order) to the second.
        groups: the question of each row; by default those of the activations, if they have some.
        probes: name -> estimator; scikit-learn classifiers will do, fitted one at a time.
        strengths: name -> strengths from strong to weak regularisation, instead of the probe's own.
        folds: at least 3; by default five, or the number of questions if that is smaller.
        grouped: keep the rows of one question together. False reproduces a published mistake.
        prompts: the prompt of each row, for the prompt-identity ceiling; by default the groups.
        surface: [row, feature] that need no activations, such as a bag of tokens and the length.
        controls: False leaves the controls out, and the report says so.
        permutations: how many times labels are shuffled.
        resamples: of questions, for each interval.
        device: where to solve; the GPU if there is one.

    Raises:
        ValueError: one class, fewer questions than folds, a value that is not finite, shapes that do not fit, or
            features that are all constant; each names the value, the place and the fix.
    """
    problem = pose(activations, labels, groups, grouped)
    folds = default_folds(problem.codes, grouped) if folds is None else folds
    dealt = make_folds(problem.y, problem.codes, folds=folds, grouped=grouped, seed=seed)
    named = default_probes(problem, folds) if probes is None else named_probes(probes)
    check_strengths(strengths or {}, named)
    check_count("permutations", permutations, 0)
    check_count("resamples", resamples)
    where = device or ("cuda" if torch.cuda.is_available() else "cpu")
    check_device("device", where)
    generator = np.random.default_rng(seed)
    shuffles = [permuted(problem.y, problem.codes, generator) for _ in range(permutations)]
    sets = np.stack([problem.y, *(shuffles if controls else [])])
    grid = {name: tuple((strengths or {}).get(name, strengths_of(p))) for name, p in named.items()}
    cells: list[Cell] = []
    memorised: dict[tuple[str, str], list[float]] = {}
    for place in problem.places:
        rows = place.rows.to(where, torch.float32)
        reads = read_layer(named, rows, sets, problem.codes, dealt, strengths=grid)
        here = [Cell(place, name, grid[name], choose(reads[name], sets, dealt)) for name in named]
        if controls:
            memorised |= _memorised(named, here, rows, problem, folds, seed)
        cells += here
    evidence = Evidence(
        problem=problem,
        folds=dealt,
        cells=tuple(cells),
        choices={
            name: choose_among([c for c in cells if c.probe == name], sets, dealt) for name in named
        },
        best=choose_among(cells, sets, dealt),
        memorised=memorised,
        identity=_identity(problem, prompts, seed) if controls else None,
        surface=_surface(surface, problem, dealt) if controls else None,
        controls=controls,
        seed=seed,
        resamples=resamples,
    )
    return SweepResult(tuple(tabulate(evidence)), evidence, named, activations)


def _memorised(
    probes: Mapping[str, Any],
    cells: Sequence[Cell],
    rows: Any,
    problem: Problem,
    folds: int,
    seed: int,
) -> dict[tuple[str, str], list[float]]:
    """AUROCs on labels drawn per question with rows split at random, at the strengths that were chosen."""
    generator = np.random.default_rng(seed)
    questions = int(problem.codes.max()) + 1
    even = np.arange(questions) % 2 == 0
    tasks = np.stack([generator.permutation(even)[problem.codes] for _ in range(DRAWS)])
    of_row = generator.permutation(np.arange(len(problem.y)) % folds)
    split = Folds(of_row, folds, "rows at random")
    chosen = {cell.probe: (cell.strength,) for cell in cells}
    reads = read_layer(probes, rows, tasks, problem.codes, split, nested=False, strengths=chosen)
    found = {}
    for cell in cells:
        scores = reads[cell.probe].outer[0]
        learned = (
            np.ptp(scores, axis=1) > 0
        )  # a paired difference has no pairs in this task: undefined
        aurocs = fold_auroc(scores[learned], tasks[learned], split)
        found[str(cell.place), cell.probe] = aurocs.tolist()
    return found


def _identity(problem: Problem, prompts: Iterable[Hashable] | None, seed: int) -> np.ndarray:
    names = problem.codes if prompts is None else group_codes(prompts)[0]
    if len(names) != len(problem.y):
        raise TriggerLensError(
            f"{len(names)} prompts but {len(problem.y)} rows: give each row its prompt"
        )
    return prompt_identity_scores(problem.y, names, seed=seed)


def _surface(surface: Any, problem: Problem, folds: Folds) -> np.ndarray | None:
    """Held-out scores of surface features, by a logistic probe whose strength is chosen in the training folds."""
    if surface is None:
        return None
    shape, rows = np.shape(as_array(surface)), len(problem.y)
    if len(shape) != 2 or shape[0] != rows:
        raise TriggerLensError(f"surface {shape}: give [row, feature] for the same {rows} rows")
    matrix: Place = pose({"surface": surface}, problem.y, problem.codes, True).places[0]
    reads = read_layer(
        {"": LogisticProbe()}, matrix.rows.float(), problem.y[None], problem.codes, folds
    )
    return choose(reads[""], problem.y[None], folds).scores[0]
