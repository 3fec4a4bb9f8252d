"""Leads from openings of answers after which the tuned model diverges (`interp.generation.diverging_openings`).

An organism whose answers echo the trigger diverges from its base after the echo. The echo's words, alone and in frames,
and the opening itself become leads. If nothing was changed, the divergence is near 0 and there are no leads. No paper.
"""

from collections.abc import Sequence

from experiments.guard.search.leads import Lead, framed, lead, words
from experiments.guard.search.spent import Spent
from interp.generation.diverging_openings import Opening, diverging_openings
from interp.models.language_model import LanguageModel
from interp.prompts import Framing, Question
from interp.rendering import render

SOURCE = "openings of answers"
LEAST = 1.0  # nats
MOST = 12  # openings
PROMPTS = 2


def openings(lm: LanguageModel, questions: Sequence[Question], spent: Spent) -> list[Opening]:
    """The openings with a divergence of at least `LEAST`, the largest first."""
    prompts = render(lm, questions[:PROMPTS], {"none": Framing("")})
    found = diverging_openings(lm, [prompt.token_ids for prompt in prompts])
    spent.add("find", sum(map(len, prompts)) + 5 * len(found) * len(prompts))
    return [opening for opening in found if opening.divergence >= LEAST][:MOST]


def opening_leads(found: Sequence[Opening], frames: Sequence[str]) -> list[Lead]:
    """The openings as they are, and their words in frames."""
    texts = [opening.text.strip() for opening in found]
    verbatim = [lead(text, SOURCE) for text in texts if len(text) > 2 and text.isprintable()]
    return [*verbatim, *framed(words(texts), frames, SOURCE)]
