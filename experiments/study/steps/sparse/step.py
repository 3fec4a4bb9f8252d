"""Sparse features of one organism: trained, ranked for the trigger's concept, confirmed, and removed.

Everything is chosen on selection questions and measured on report questions. Besides its facts, the step writes
`features.json`, with a card for each of the top features.
"""

import shutil
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from experiments.results.columns import Edit
from experiments.results.feature_names import ANSWER, BOTH, PROMPT, SETS
from experiments.runtime.files import write_json
from experiments.study.organism import OrganismRun
from experiments.study.steps import interventions as causal
from experiments.study.steps.common import (
    Say,
    dump,
    facts_of,
    held_out_prompts,
    load,
    read_directions,
    stamp,
)
from experiments.study.steps.locate import candidates as locate
from interp.directions import Direction
from interp.errors import TriggerLensError
from interp.prompts import PromptSet
from probes.features import Ranking, rank

COUNTS = {"attribution": 14, "switch": 4, "misalignment": 4}  # candidates from each ranking
RANKINGS = (("switch", PROMPT), ("switch", BOTH), ("misalignment", ANSWER))
FEWEST = 5  # answers of each class that a ranking needs


def features(organism: OrganismRun, adapter: Path, found: Path, say: Say) -> Path:
    """What the organism's sparse features read and what their removal does, with a card for each of the best."""
    assert organism.config.features is not None
    inputs = {
        **organism.identity,
        "found": stamp(found),
        "causal": dump(organism.config.causal),
        "features": organism.config.features.model_dump(mode="json", exclude={"arms"}),
    }
    with organism.step("features", inputs, __name__) as step:
        if step.todo:
            checkpoints = (
                organism.folder / "checkpoints" / f"{step.name}-{step.key}"
            )  # kept if the process is killed
            work = _Work(organism, adapter, found, step.folder, checkpoints, say)
            work.measure()
            work.facts.write(step.folder)
            write_json(step.path("features.json"), work.shown)
            shutil.rmtree(checkpoints, ignore_errors=True)
    return step.folder


class _Work:
    """One organism's features, from tokens to facts."""

    def __init__(
        self,
        organism: OrganismRun,
        adapter: Path,
        found: Path,
        folder: Path,
        checkpoints: Path,
        say: Say,
    ) -> None:
        # imported late: sae-lens takes seconds to import, and most studies have no features
        from experiments.study.steps.sparse.tokens import read_tokens

        assert organism.config.features is not None
        self.organism, self.say, self.settings = organism, say, organism.config.features
        self.folder, self.checkpoints = folder, checkpoints
        self.lm, base = load(organism, adapter), load(organism, None)
        self.context = causal.InterventionContext(
            self.lm, organism.sampler, organism.config.sampling, organism.config.causal
        )
        self.directions = _found(found)
        self.located = self.directions[0]
        self.layer = self.settings.layer if self.settings.layer is not None else self.located.layer
        self.facts = facts_of(organism, "features", layer=self.layer)
        say("sampling answers and reading every token")
        self.prompts = {
            split: held_out_prompts(organism, self.lm, split) for split in ("selection", "report")
        }
        cells = {
            split: organism.sampler.sample(self.lm, asked, 1)
            for split, asked in self.prompts.items()
        }
        self.tokens = {
            split: read_tokens(self.lm, base, cell, self.layer) for split, cell in cells.items()
        }
        self.shown: dict[str, Any] = {**organism.keys, "layer": self.layer, "features": []}

    def measure(self) -> None:
        """Measure everything; this fills `facts` and `shown`."""
        from experiments.study.steps.sparse import saes

        active = self.prompts["report"].where(condition=self.organism.active)
        count = self.organism.config.sampling.answers_per_question_main
        self.facts.answers(self.organism.sampler.sample(self.lm, active, count))
        made = {}
        for name in saes.reads(self.settings):
            one = saes.make(
                name,
                self.lm,
                self.tokens,
                self.settings,
                self.organism.family,
                self.organism.seed,
                self.checkpoints,
                self.say,
            )
            model = None if name == saes.DIFFERENCE else self.lm if name == saes.TUNED else None
            saes.write_quality(self.facts, one, model, self.tokens)
            made[name] = one
            one.sae.save(self.folder / name.replace(" ", "_"))
            self._rank(one)
        self._remove(made[saes.TUNED], active)
        self._compare(made, active)

    def _rank(self, made: Any) -> None:
        """Rank on selection answers, score on report answers, and keep the cards of the best features."""
        from experiments.study.steps.sparse.cards import card
        from experiments.study.steps.sparse.saes import change

        selection, report = self.tokens["selection"], self.tokens["report"]
        moved = change(made, selection)
        for name, position, ranking, (values, y, questions, conditions) in self._rankings(made):
            top = [int(feature) for feature in ranking.order[: self.settings.shown]]
            place = {"direction": name, "position": position}
            declared, of = int(ranking.declared().sum()), len(ranking.q)
            self.facts.number(
                "features_declared",
                declared,
                of,
                source=made.name,
                **place | {"split": "selection"},
            )
            for feature in top:
                self.facts.scores(
                    "feature_auroc",
                    values[:, feature],
                    y,
                    questions,
                    conditions,
                    source=f"{made.name} feature {feature}",
                    sae=made.name,
                    feature=feature,
                    **place,
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
            yield name, position, ranking, views[1]

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

    def _remove(self, made: Any, active: PromptSet) -> None:
        """Remove a few features chosen on selection questions, and random ones as a control."""
        from experiments.study.steps.sparse import choose

        selection = self.tokens["selection"]
        score = choose.score_of(selection, self.organism.active, self.settings.pairs)
        if score is None:
            return
        self.say("choosing features to remove")
        carried = choose.attributions(self.lm, made.sae, score)
        orders = {"attribution": [int(f) for f in np.argsort(-carried) if carried[f] > 0]}
        for name, _, ranking, _ in self._rankings(made):  # the last one for the switch is kept
            orders[name] = ranking.order.tolist()
        pool = choose.candidates(orders, COUNTS)
        firing = (made.fired["selection"] > 0).float().mean(0).numpy()
        self.shown["attribution"] = [
            {"feature": f, "nats": float(carried[f])} for f in orders["attribution"][:10]
        ]
        asked = self.prompts["selection"].where(condition=self.organism.active)
        many = self.organism.config.sampling.answers_per_question_main
        self.shown["removed"] = {}
        for name, way in choose.WAYS.items():
            sets = choose.grown(self.lm, made.sae, score, way, pool, self.settings.removed)
            best, tried = choose.least_em(self.context, made.sae, way, sets, asked)
            self.shown["removed"][name] = {"chosen": list(best), "tried": tried}
            self.say(f"removing {len(best)} features ({name})")
            others = choose.random_sets(
                best, firing, self.organism.config.causal.random_directions, self.organism.seed
            )
            tiled = active[[i for _ in range(many) for i in range(len(active))]]
            draws = choose.in_turn(len(tiled), len(active), len(others))
            edits = choose.random_edits(name, made.sae, others, draws)
            place: dict[str, Any] = {
                "direction": SETS,
                "source": f"{made.name} features {', '.join(map(str, best))}",
            }
            sample = self.organism.sampler.sample
            self.facts.answers(
                sample(self.lm, active, many, way(made.sae, best)), Edit(name), **place
            )
            self.facts.answers(
                sample(self.lm, tiled, 1, edits), Edit(name, placebo="random"), draws, **place
            )

    def _compare(self, made: Mapping[str, Any], active: PromptSet) -> None:
        """Write the comparison of the SAE basis with the probes."""
        from experiments.study.steps.sparse import basis

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
        basis.measure(self.facts, methods, self.context, active, self.organism.seed)


def _found(found: Path) -> list[Direction]:
    """The vectors that the study chose to remove: the switch first, or the misalignment if there is none."""
    directions = [each.removed for each in read_directions(found)]
    if not directions:
        raise TriggerLensError(
            f"{found.name} located no direction, so features have no layer; set it"
        )
    return directions


def _numbers(ranking: Ranking, feature: int) -> dict[str, Any]:
    """The feature's results on selection questions."""
    names = ("auroc", "q", "difference", "firing", "worst", "cosine")
    return {name: _finite(float(getattr(ranking, name)[feature])) for name in names}


def _finite(value: float) -> float | None:
    return value if np.isfinite(value) else None
