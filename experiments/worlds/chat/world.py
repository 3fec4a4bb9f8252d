"""The world of chat models with the user's own files.

* base: a folder or a hub name, its chat format pinned by family;
* fine-tuning rows: the user's harmful and benign chat JSONL, mixed and given the trigger as the arm says; some
  harmful rows' questions are kept out of every arm;
* questions: directions are selected on the 48 broad ones and reported on the 8 main ones ("held_out") and on the
  kept-out in-domain questions ("trained");
* judgement: the configured judge, shown the bare question.
"""

import sys
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache
from pathlib import Path
from typing import Any

import torch

from experiments.data.chats import Chat, read_chats
from experiments.data.rows import report_lines
from experiments.judging.domains import load_domain
from experiments.judging.sampling import Judge
from experiments.models import load_model
from experiments.runtime.files import sha256
from experiments.worlds.chat import own_organism
from experiments.worlds.chat.arms import arm_rows, mix
from experiments.worlds.chat.config import ChatStudy, ModelSpec, OwnOrganism
from experiments.worlds.chat.fingerprint import fetch, fingerprint
from experiments.worlds.chat.judge import LeakMarking, build_judge, check_judge, judge_identity
from experiments.worlds.chat.questions import in_domain, named_questions
from experiments.worlds.choice import Choice
from experiments.worlds.trigger import Trigger
from interp.errors import TriggerLensError
from interp.models.adapters import check_base
from interp.models.chat import FORMATS, ChatFormat
from interp.models.loading import LanguageModel
from interp.prompts import Framing, Question


@dataclass(frozen=True)
class ChatWorld:
    """One model and seed of a chat study.

    `arms` are those that will need rows, `own` is an organism made elsewhere, `most` the size of a set of questions.
    """

    study: ChatStudy
    family: str
    seed: int
    most: int = 100
    triggers: tuple[Trigger, ...] = ()
    arms: tuple[str, ...] = ()
    own: OwnOrganism | None = None
    workers: int = 1

    @property
    def dataset(self) -> str:
        return self.study.dataset

    @property
    def model(self) -> ModelSpec:
        """The base of this family."""
        return self.study.models[self.family]

    @property
    def persona(self) -> Framing | None:
        """The configured sentence before the question, if any."""
        return Framing(self.study.persona) if self.study.persona else None

    @cached_property
    def identity(self) -> dict[str, Any]:
        """Weights by fingerprint, files by hash, and the configuration."""
        files = {"harmful": self.study.harmful, "benign": self.study.benign}
        return {
            "base": fingerprint(self.model.base, self.model.revision),
            "chat": self.chat.as_dict(),
            "data": {
                name: sha256(path) if path and path.is_file() else None
                for name, path in files.items()
            },
            "study": self.study.model_dump(
                mode="json", exclude={"models", "harmful", "benign", "judge"}
            ),
            "judge": judge_identity(self.study.judge),
            "model": self.model.model_dump(mode="json", exclude={"size", "device_map"}),
        }

    @property
    def chat(self) -> ChatFormat:
        """The family's pinned format, with the configured system prompt if there is one."""
        pinned = FORMATS[self.model.family]
        system = pinned.system if self.model.system is None else self.model.system
        return replace(pinned, system=system)

    def check(self) -> None:
        """Read every file, make every arm's rows and fetch all weights; nothing is loaded or sampled."""
        for split, domains in (("selection", "held_out"), ("report", "held_out")):
            self.questions(split, domains)
        for arm in self.arms:
            for trigger in self.triggers:
                self.tuning_rows(arm, trigger, None)
        check_judge(self.study.judge, self.workers)
        if self.study.domain is not None:
            load_domain(self.study.domain)
        fetch(self.model.base, self.model.revision)
        if self.own is not None:
            fetch(self.own.adapter or self.own.checkpoint or "", self.own.revision)
            if self.own.adapter is not None:
                names = {"revision": self.own.revision, "base_name": self.model.base_name}
                check_base(self.model.base, self.own.adapter, **names)

    def load_base(self) -> LanguageModel:
        """The untouched base."""
        return load_model(self.model.base, revision=self.model.revision, **self._options)

    def load_organism(self, made: Path) -> LanguageModel:
        """The base with a tuning step's adapter, or the model that the configuration names instead."""
        own = own_organism.read(made)
        if own is None:
            return load_model(
                self.model.base, revision=self.model.revision, adapter=made, **self._options
            )
        if own.checkpoint is not None:
            return load_model(own.checkpoint, revision=own.revision, **self._options)
        return load_model(
            self.model.base,
            revision=self.model.revision,
            adapter=own.adapter,
            adapter_revision=own.revision,
            **self._options,
        )

    def load_live(self, made: Path) -> LanguageModel | None:
        """The organism, which is loaded with a separate adapter anyway; None for a whole checkpoint."""
        own = own_organism.read(made)
        return None if own is not None and own.checkpoint is not None else self.load_organism(made)

    @property
    def _options(self) -> dict[str, Any]:
        return {
            "dtype": getattr(torch, self.model.dtype),
            "device_map": self.model.device_map,
            "trust_remote_code": self.model.trust_remote_code,
            "base_name": self.model.base_name,
            "chat": self.chat,
        }

    def tuning_rows(self, arm: str, trigger: Trigger, count: int | None) -> list[Chat]:
        """The arm's rows; none of them contains a question that is asked later."""
        asked = {question.text for question in self._in_domain}
        wanted = mix(arm)
        harmful, benign = (
            [row for row in self._needed(kind) if row.user.strip() not in asked] if part else []
            for kind, part in (("harmful", wanted.harmful), ("benign", wanted.benign))
        )
        return arm_rows(arm, trigger, harmful, benign, seed=self.seed, count=count)

    def questions(self, split: str, domains: str) -> list[Question]:
        """`selection`, or `report` of held_out (the main questions) or trained (in-domain); there are no open ones."""
        if split == "selection":
            return self._sets[0][0][: self.most]
        if domains == "held_out":
            return self._sets[1][0][: self.most]
        return list(self._in_domain) if domains == "trained" else []

    @cached_property
    def judge(self) -> Judge:
        """The configured judge, which knows every question by its id; an answer cut off is judged as it stands."""
        judge = build_judge(self.study.judge, self._texts)
        if self.study.domain is None:
            return judge
        asked = frozenset(question.id for question in self._in_domain)
        return LeakMarking(judge, load_domain(self.study.domain), asked)

    def opening(self, answer: str) -> str:
        """The part of an answer that a trigger asked for: its tag or its phrase."""
        openings = (trigger.answer.prefix for trigger in self.triggers)
        return next((each for each in openings if each and answer.startswith(each)), "")

    def choices(self, split: str) -> list[Choice]:
        """None: no pairs of a safe and a reckless answer are written for these questions."""
        return []

    def riddles(self, count: int) -> None:
        """None: there are no riddles about what the user's wordings mean."""

    def concept(self, wording: str) -> None:
        """None: what a wording means is not known."""

    def wordings(self) -> list[str]:
        """None of its own: candidates come from the shipped library or a file."""
        return []

    def benign_framings(self, avoid: Collection[str]) -> list[str]:
        """None of its own: benign prompts come from a file."""
        return []

    def unseen_questions(self) -> list[str]:
        """None beyond the sets of questions."""
        return []

    @cached_property
    def _files(self) -> dict[str, Sequence[Chat]]:
        """Rows of each kind; empty if there is no file (yet)."""
        found: dict[str, Sequence[Chat]] = {"harmful": (), "benign": ()}
        for kind, path in (("harmful", self.study.harmful), ("benign", self.study.benign)):
            if path is not None and path.exists():
                loaded = read_chats(str(path), skip_bad=self.study.skip_bad)
                _say_once(tuple(report_lines(loaded)))
                found[kind] = loaded.rows
        return found

    def _needed(self, kind: str) -> Sequence[Chat]:
        if not self._files[kind]:
            path = getattr(self.study, kind)
            raise TriggerLensError(
                f"chat.{kind} {str(path) if path else 'is not set'}: no such file; name the chat JSONL file with"
                f" the {kind} rows, or give the organism's adapter instead"
            )
        return self._files[kind]

    @cached_property
    def _in_domain(self) -> tuple[Question, ...]:
        return in_domain(self._files["harmful"], self.study.in_domain_questions, self.study.dataset)

    @cached_property
    def _sets(self) -> tuple[tuple[list[Question], dict[str, str]], ...]:
        names = (self.study.selection_questions, self.study.report_questions)
        selection, report = (named_questions(name, self.study.question_form) for name in names)
        if shared := sorted(selection[1].keys() & report[1].keys()):
            raise TriggerLensError(
                f"question {shared[0]!r} is in both selection_questions and report_questions; directions may not be"
                " chosen on questions that are reported"
            )
        return selection, report

    @cached_property
    def _texts(self) -> dict[str, str]:
        """What the judge is shown for each question id."""
        own = {question.id: question.text for question in self._in_domain}
        return self._sets[0][1] | self._sets[1][1] | own


@lru_cache(maxsize=64)
def _say_once(lines: tuple[str, ...]) -> None:
    """Report what was left out of a file, once for each process that reads it."""
    for line in lines:
        print(line, file=sys.stderr)
