"""Sparse features of one organism: trained, ranked for the trigger's concept, confirmed, and removed.

Everything is chosen on selection questions and measured on report questions. What it writes beside its rows is
`features.json`: how each of the top features looks.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

import probes
from experiments import causal, cell_rows, locate, readout
from experiments import features as package
from experiments.estimates import EstimateRow, write_estimates
from experiments.features.words import ANSWER, BOTH, PROMPT, SETS
from experiments.files import write_json, write_jsonl
from experiments.job import Job
from experiments.sampling import Cell, framed
from experiments.steps.common import Say, answers_and, dump, load, read_directions, stamp
from interp.directions import Direction
from interp.language_model import LanguageModel
from interp.prompts import PromptSet
from probes.estimate import LEVEL, Estimate
from probes.features import Ranking, confirm, rank

COUNTS = {"attribution": 14, "switch": 4, "misalignment": 4}  # candidates from each ranking
RANKINGS = (("switch", PROMPT), ("switch", BOTH), ("misalignment", ANSWER))
FEWEST = 5  # answers of each class, below which nothing is ranked


def features(job: Job, adapter: Path, found: Path, say: Say) -> Path:
    """Rows and cards of the organism's sparse features."""
    assert job.config.features is not None
    inputs = {
        **job.identity,
        "found": stamp(found),
        "causal": dump(job.config.causal),
        "features": job.config.features.model_dump(mode="json", exclude={"arms"}),
    }
    code = answers_and(job, probes, locate, readout, causal, cell_rows, package, Path(__file__))
    with job.run.step(f"features-{job.name}", inputs, code) as step:
        if step.todo:
            checkpoints = job.folder / "checkpoints" / f"{step.name}-{step.key}"  # outlive a kill
            work = _Work(job, adapter, found, step.folder, checkpoints, say)
            write_estimates(step.path("rows.jsonl"), list(work.rows()))
            write_jsonl(step.path("answers.jsonl"), work.answers)
            write_json(step.path("features.json"), work.shown)
            shutil.rmtree(checkpoints, ignore_errors=True)
    return step.folder


class _Work:
    """One organism's features, from tokens to rows."""

    def __init__(
        self, job: Job, adapter: Path, found: Path, folder: Path, checkpoints: Path, say: Say
    ) -> None:
        # late: sae-lens takes seconds to import, and most studies have no features
        from experiments.features.tokens import read_tokens

        assert job.config.features is not None
        self.job, self.say, self.settings = job, say, job.config.features
        self.folder, self.checkpoints = folder, checkpoints
        self.lm, base = load(job, adapter), load(job, None)
        self.bench = causal.Bench(self.lm, job.sampler, job.config.sampling, job.config.causal)
        self.directions = _found(found)
        self.located = self.directions[0]
        self.layer = self.settings.layer if self.settings.layer is not None else self.located.layer
        self.keys = {**job.keys, "domains": "held_out", "layer": self.layer, "split": "report"}
        say("sampling answers and reading every token")
        self.prompts = {split: _prompts(job, self.lm, split) for split in ("selection", "report")}
        cells = {
            split: job.sampler.sample(self.lm, each, 1) for split, each in self.prompts.items()
        }
        self.tokens = {
            split: read_tokens(self.lm, base, cell, self.layer) for split, cell in cells.items()
        }
        self.answers: list[dict[str, Any]] = []
        self.shown: dict[str, Any] = {**job.keys, "layer": self.layer, "features": []}

    def rows(self) -> Iterator[EstimateRow]:
        """All rows; `answers` and `shown` fill on the way."""
        from experiments.features import saes

        active = self.prompts["report"].where(condition=self.job.active)
        intact = self.job.sampler.sample(
            self.lm, active, self.job.config.sampling.answers_per_question_main
        )
        made = {}
        for name in saes.reads(self.settings):
            one = saes.make(
                name,
                self.lm,
                self.tokens,
                self.settings,
                self.job.family,
                self.job.seed,
                self.checkpoints,
                self.say,
            )
            model = None if name == saes.DIFFERENCE else self.lm if name == saes.TUNED else None
            yield from saes.quality_rows(one, model, self.tokens, self.keys, self.job.seed)
            made[name] = one
            one.sae.save(self.folder / name.replace(" ", "_"))
            yield from self._ranked(one)
        yield from self._removed(made[saes.TUNED], active, intact)
        yield from self._basis(made, active, intact)

    def _ranked(self, made: Any) -> Iterator[EstimateRow]:
        """Rank on selection answers, confirm on report answers, keep how the best ones look."""
        from experiments.features.cards import card
        from experiments.features.saes import change

        selection, report = self.tokens["selection"], self.tokens["report"]
        moved = change(made, selection)
        for name, position, ranking, (values, y, questions) in self._rankings(made):
            top = [int(each) for each in ranking.order[: self.settings.shown]]
            place = {**self.keys, "direction": name, "position": position}
            count = int(ranking.declared().sum())
            declared = Estimate(count, None, None, LEVEL, len(ranking.q), "Benjamini-Hochberg, 1 %")
            yield EstimateRow.of(
                declared,
                quantity="features_declared",
                source=made.name,
                **place | {"split": "selection"},
            )
            for feature, estimate in confirm(values, y, questions, top, seed=self.job.seed).items():
                source = f"{made.name} feature {feature}"
                yield EstimateRow.of(
                    estimate, quantity="feature_auroc", source=source, feature=feature, **place
                )
            self.shown["features"] += [
                {
                    "sae": made.name,
                    "ranking": f"{name}, {position}",
                    **card(self.lm, made.sae, feature, report, made.fired["report"]),
                    **_numbers(ranking, feature),
                    "change_from_base": _finite(float(moved[feature])),
                }
                for feature in top
            ]

    def _rankings(self, made: Any) -> Iterator[tuple[str, str, Ranking, Any]]:
        """(what, pooled over what, ranking on selection, report rows with labels and questions)."""
        for name, position in RANKINGS:
            views = [self._view(made, split, name, position) for split in ("selection", "report")]
            if min(min(int(y.sum()), int((~y).sum())) for _, y, _, _ in views) < FEWEST:
                continue
            values, y, questions, conditions = views[0]
            ranking = rank(
                values,
                y,
                questions,
                conditions=conditions,
                decoder=made.sae.decoder,
                direction=self.located.vector,
            )
            yield name, position, ranking, views[1][:3]

    def _view(self, made: Any, split: str, name: str, position: str) -> tuple[Any, Any, Any, Any]:
        """Pooled features, labels, questions and conditions of the answers that a ranking looks at."""
        tokens = self.tokens[split]
        switch = name == "switch"
        kept = np.ones(len(tokens.questions), bool) if switch else tokens.coherent
        y = (tokens.names_concept if switch else tokens.misaligned)[kept]
        values = tokens.pooled(made.fired[split], tokens.within(position))[kept]
        questions, conditions = (
            [each for each, k in zip(names, kept, strict=True) if k]
            for names in (tokens.questions, tokens.completions.conditions)
        )
        return values, y, questions, conditions

    def _removed(self, made: Any, active: PromptSet, intact: Cell) -> Iterator[EstimateRow]:
        """At most a few features removed, chosen on selection questions, random ones beside them."""
        from experiments.features import choose

        selection = self.tokens["selection"]
        score = choose.score_of(selection, self.job.active, self.settings.pairs)
        if score is None:
            return
        self.say("choosing features to remove")
        carried = choose.attributions(self.lm, made.sae, score)
        orders = {"attribution": [int(f) for f in np.argsort(-carried) if carried[f] > 0]}
        for name, _, ranking, _ in self._rankings(made):  # of the switch's, the last
            orders[name] = ranking.order.tolist()
        pool = choose.candidates(orders, COUNTS)
        firing = (made.fired["selection"] > 0).float().mean(0).numpy()
        self.shown["attribution"] = [
            {"feature": f, "nats": float(carried[f])} for f in orders["attribution"][:10]
        ]
        asked = self.prompts["selection"].where(condition=self.job.active)
        many = self.job.config.sampling.answers_per_question_main
        self.shown["removed"] = {}
        for name, way in choose.WAYS.items():
            sets = choose.grown(self.lm, made.sae, score, way, pool, self.settings.removed)
            best, tried = choose.least_em(self.bench, made.sae, way, sets, asked)
            self.shown["removed"][name] = {"chosen": list(best), "tried": tried}
            self.say(f"removing {len(best)} features ({name})")
            others = choose.random_sets(
                best, firing, self.job.config.causal.random_directions, self.job.seed
            )
            tiled = active[[i for _ in range(many) for i in range(len(active))]]
            edits = choose.random_edits(name, made.sae, others, len(tiled), len(active))
            cells = {
                name: self.job.sampler.sample(self.lm, active, many, way(made.sae, best)),
                f"random_{name}": self.job.sampler.sample(self.lm, tiled, 1, edits),
            }
            for intervention, cell in cells.items():
                place = {
                    **self.keys,
                    "direction": SETS,
                    "source": f"{made.name} features {', '.join(map(str, best))}",
                    "condition": self.job.active,
                    "intervention": intervention,
                }
                yield from cell_rows.edited_rows(cell.judged, intact, place, seed=self.job.seed)
                self.answers += [{**place, **row} for row in cell.rows()]

    def _basis(
        self, made: Mapping[str, Any], active: PromptSet, intact: Cell
    ) -> Iterator[EstimateRow]:
        """The table that asks whether the SAE basis finds what the probe found."""
        from experiments.features import basis

        self.say("comparing the SAE's basis with probes")
        split = (self.tokens["selection"], self.tokens["report"])
        rows = {name: locate.prompt_rows(self.lm, each) for name, each in self.prompts.items()}
        methods = basis.probe_methods(rows["selection"], rows["report"], self.layer)
        for name, one in made.items():
            pooled = tuple(
                each.pooled(one.fired[which], each.in_prompt)
                for which, each in zip(("selection", "report"), split, strict=True)
            )
            methods.append(basis.feature_method(name, one.sae, pooled, split, PROMPT))
        methods += [
            basis.Method(f"found: {it.name}", it.vector.float(), None, (), (), it.position)
            for it in self.directions
        ]
        yield from basis.basis_rows(methods, self.bench, active, intact, self.keys, self.job.seed)


def _found(found: Path) -> list[Direction]:
    """The vectors that were found to remove: the switch first, the misalignment where there is none."""
    directions = [each.removed for each in read_directions(found)]
    if not directions:
        raise ValueError(f"{found.name} located no direction, so features have no layer; set it")
    return directions


def _prompts(job: Job, lm: LanguageModel, split: str) -> PromptSet:
    """Held-out questions under every condition but the edge variants."""
    questions = job.setting.questions(split, "held_out")
    sets = [
        framed(lm, questions, condition, framing)
        for condition, framing in job.trigger.framings.items()
        if not condition.startswith("variant:")
    ]
    return sum(sets[1:], start=sets[0])


def _numbers(ranking: Ranking, feature: int) -> dict[str, Any]:
    """What selection questions said of it."""
    names = ("auroc", "q", "difference", "firing", "worst", "cosine")
    return {name: _finite(float(getattr(ranking, name)[feature])) for name in names}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
