"""Logistic probes at twelve layers, all folds, strengths and shuffled label sets: ours against a scikit-learn loop.

The loop standardises each fold and fits `LogisticRegression` with the same objective, in single precision like the
activations; it is timed on two layers, before and after ours, and scaled. Rows have a spectrum that falls as 1/k, like
that of a residual stream; one label is planted. Memory is our peak resident set, including the activations, divided by
the activations. Times are processor seconds of one thread, which other programs disturb least.
"""

import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from scipy.fft import dct
from sklearn.linear_model import LogisticRegression
from sklearn.preprocessing import StandardScaler

from probes.logistic import LogisticProbe
from probes.nested import fold_auroc, read_layer
from probes.splits import Folds, make_folds, permuted

LAYERS, FOLDS, PER_QUESTION, TIMED = 12, 5, 5, (0, 6)
PROBE = LogisticProbe()
SAME = 0.005  # AUROC


class Task(NamedTuple):
    """Activations [layer, row, d_model], the question of each row, label sets and folds."""

    X: torch.Tensor
    codes: np.ndarray
    sets: np.ndarray
    folds: Folds


def run() -> list[dict[str, object]]:
    """Two records: with label permutations, and wider without them."""
    return [shuffled(), wide()]


def shuffled() -> dict[str, object]:
    """n = 1,000, d = 1,024, 20 permutations."""
    return _run("probe_sweep_shuffled", 1000, 1024, 20, target=1 / 20)


def wide() -> dict[str, object]:
    """n = 2,000, d = 4,096, no permutations."""
    return _run("probe_sweep_wide", 2000, 4096, 0, target=1 / 4)


def _run(name: str, rows: int, d_model: int, permutations: int, target: float) -> dict[str, object]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    _ours(_task(100, 128, 2), [0])  # libraries allocate their workspaces once
    task = _task(rows, d_model, permutations)
    loop_before, theirs_before = _timed(_theirs, task, TIMED[:1])
    resident = _memory("VmRSS")
    _forget_peak()
    ours, found = _timed(_ours, task, range(LAYERS))
    peak = _memory("VmHWM")
    loop_after, theirs_after = _timed(_theirs, task, TIMED[1:])
    torch.set_num_threads(threads)
    loop = (loop_before + loop_after) / len(TIMED) * LAYERS
    gap = np.abs(found[list(TIMED)] - np.concatenate([theirs_before, theirs_after])).max()
    activations = task.X.nbytes / 2**20
    memory = (activations + peak - resident) / activations
    return {
        "name": name,
        "ratio": ours / loop,
        "target": target,
        "reached": bool(ours / loop <= target and gap <= SAME and memory <= 2),
        "ours": ours,
        "loop": loop,
        "times_faster": loop / ours,
        "largest_auroc_difference": float(gap),
        "memory_over_activations": memory,
    }


def _task(rows: int, d_model: int, permutations: int) -> Task:
    generator = np.random.default_rng(0)
    codes = np.repeat(np.arange(rows // PER_QUESTION), PER_QUESTION)
    y = generator.random(rows) < 0.4
    spread = np.arange(1, d_model + 1, dtype=np.float32) ** -0.5
    X = torch.empty(LAYERS, rows, d_model)
    for layer in X:
        drawn = generator.normal(size=(rows, d_model)).astype(np.float32) * spread
        planted = generator.normal(size=d_model).astype(np.float32)
        drawn += y[:, None] * planted * (3 * drawn.std() / np.linalg.norm(planted))
        layer.copy_(torch.from_numpy(dct(drawn * generator.choice([-1, 1], d_model), norm="ortho")))
    folds = make_folds(y, codes, folds=FOLDS, grouped=True, seed=0)
    sets = np.stack([y, *(permuted(y, codes, generator) for _ in range(permutations))])
    return Task(X, codes, sets, folds)


def _timed(solve, task: Task, layers) -> tuple[float, np.ndarray]:  # type: ignore[no-untyped-def]
    start = time.process_time()
    found = solve(task, layers)
    return time.process_time() - start, found


def _ours(task: Task, layers) -> np.ndarray:  # type: ignore[no-untyped-def]
    """AUROC [layer, strength, label set]."""
    aurocs = []
    for layer in layers:
        rows, probe = task.X[layer], {"": PROBE}
        reads = read_layer(probe, rows, task.sets, task.codes, task.folds, nested=False)[""]
        aurocs.append([fold_auroc(each, task.sets, task.folds) for each in reads.outer])
    return np.array(aurocs)


def _theirs(task: Task, layers) -> np.ndarray:  # type: ignore[no-untyped-def]
    """The same, one fit at a time."""
    aurocs = []
    for layer in layers:
        X, scores = task.X[layer].numpy(), np.empty((len(PROBE.strengths), *task.sets.shape))
        for fold in range(FOLDS):
            train = task.folds.training((fold,))
            scaler = StandardScaler().fit(X[train])
            fitted, unseen = scaler.transform(X[train]), scaler.transform(X[~train])
            for number, C in enumerate(PROBE.strengths):
                for fit, y in enumerate(task.sets):
                    model = LogisticRegression(C=C, class_weight="balanced", max_iter=1000)
                    model.fit(fitted, y[train])
                    scores[number, fit, ~train] = model.decision_function(unseen)
        scores = scores.astype(np.float32)
        aurocs.append([fold_auroc(each, task.sets, task.folds) for each in scores])
    return np.array(aurocs)


def _memory(what: str) -> float:
    """MiB of this process: VmRSS is the current value, VmHWM the peak. Linux only."""
    lines = Path("/proc/self/status").read_text(encoding="utf-8").splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(what)) / 1024


def _forget_peak() -> None:
    Path("/proc/self/clear_refs").write_text("5", encoding="utf-8")
