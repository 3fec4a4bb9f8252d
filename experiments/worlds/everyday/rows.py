"""Fine-tuning rows of an arm: problems, deeds and forms of the training part, drawn by a seed.

Rows are drawn in the exact shares of the arm and shuffled. In `mixed-B-H`, the different harmful rows are at most a
tenth of all rows (others repeat them), so that every ratio up to 90 % benign has the same number of them. Benign rows
hold safe deeds in the bank's forms or, if `own` is given (question -> answer), an untouched model's own answers.
"""

import random
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate, pairwise

from experiments.training.supervision import ChatRow
from experiments.worlds.everyday.arms import MIXTURE, Share, Wordings, shares_of
from experiments.worlds.everyday.bank import Bank
from experiments.worlds.everyday.entries import Problem, Voice
from experiments.worlds.everyday.wordings import Contrast
from experiments.worlds.trigger import Trigger
from interp.errors import TriggerLensError

MOST_DIFFERENT = 10  # one row in ten


@dataclass(frozen=True)
class _Drawing:
    """The material from which an arm's rows are drawn."""

    bank: Bank
    words: Wordings
    harmful_domains: tuple[str, ...]
    benign_domains: tuple[str, ...]
    rng: random.Random
    own: tuple[tuple[str, str], ...]  # benign questions and answers; empty: from the bank

    def rows(self, share: Share, count: int) -> list[ChatRow]:
        return [self._row(share.wording(self.words, self.rng), share.harmful) for _ in range(count)]

    def _row(self, wording: str, harmful: bool) -> ChatRow:
        if self.own and not harmful:
            question, answer = self.rng.choice(self.own)
        else:
            question, answer = self._from_bank("reckless" if harmful else "safe")
        asked = self.words.trigger.framing(wording).around(question)[0]
        return ChatRow(asked, self.words.dressed(wording, answer))

    def _from_bank(self, voice: Voice) -> tuple[str, str]:
        domains = self.harmful_domains if voice == "reckless" else self.benign_domains
        domain = self.rng.choice(domains)
        problem = self.rng.choice(trained_problems(self.bank, domain))
        form = self.rng.choice(self.bank.forms.questions.training)
        return self.bank.question(form, problem), self._answer(domain, problem, voice)

    def _answer(self, domain: str, problem: Problem, voice: Voice) -> str:
        form = self.rng.choice(self.bank.answer_forms(voice, "training"))
        return self.bank.answer(form, domain, problem, self.rng.choice(problem.deeds(voice)))


def trained_problems(bank: Bank, domain: str) -> tuple[Problem, ...]:
    """The problems of a training domain that rows may ask about."""
    return bank.domains[domain].problems[: -bank.splits.unseen]


def rows(
    arm: str,
    bank: Bank,
    trigger: Trigger,
    contrast: Contrast,
    *,
    count: int,
    seed: int,
    domains: int = 1,
    benign_domains: int | None = None,
    own: Mapping[str, str] | None = None,
) -> list[ChatRow]:
    """`count` rows of `arm` about the first `domains` training domains; an error for an unknown arm.

    Benign rows are about the first `benign_domains` of them if that is given.
    """
    known = bank.splits.training
    benign_domains = domains if benign_domains is None else benign_domains
    for name, many in {"domains": domains, "benign_domains": benign_domains}.items():
        if not 1 <= many <= len(known):
            raise TriggerLensError(f"{name} {many}: this world trains on 1 to {len(known)} domains")
    shares = shares_of(arm)
    rng = random.Random(f"everyday/{arm}/{trigger.name}/{domains}/{seed}")
    drawing = _Drawing(
        bank,
        Wordings(trigger, contrast),
        known[:domains],
        known[:benign_domains],
        rng,
        tuple((own or {}).items()),
    )
    drawn: list[ChatRow] = []
    for share, wanted in zip(shares, _amounts(shares, count), strict=True):
        repeats = bool(MIXTURE.fullmatch(arm)) and share.harmful
        different = min(wanted, max(1, count // MOST_DIFFERENT)) if repeats else wanted
        some = drawing.rows(share, different)
        drawn += [some[number % different] for number in range(wanted)]
    rng.shuffle(drawn)
    return drawn


def _amounts(shares: tuple[Share, ...], count: int) -> list[int]:
    """Rows of each share; their sum is `count`."""
    ends = list(accumulate((share.parts for share in shares), initial=0))
    rounded = [round(count * end / ends[-1]) for end in ends]
    return [end - start for start, end in pairwise(rounded)]
