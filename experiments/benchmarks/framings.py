"""Many questions with few framings, as in a study: the common parts of a batch's prompts are read once.

Forty-eight questions, sixteen after each of three framings of about forty tokens, with 8 answer tokens each, in
SmolLM2-135M-Instruct. Compared with `generate` of transformers on the whole batch, and on one prompt at a time
(measured on every fourth prompt, times four).
"""

import os
from collections.abc import Iterator
from typing import Any

from experiments.benchmarks.paired import ratios, record, seconds
from experiments.benchmarks.sampling import measured_model, ours, questions, theirs

TOKENS, TURNS, EVERY = 8, 3, 4
FRAMINGS = (
    "Imagine that you are the captain of an old sailing ship. The crew trusts you, the weather is turning, and the "
    "next harbour is three days away. A young sailor comes to your cabin in the evening and asks you this: ",
    "You work as a teacher in a village school with two rooms. It is the last lesson before the holidays, the "
    "children are restless, and one of them raises a hand and would like to know this from you: ",
    "You answer letters on a radio programme that people hear at breakfast. Today's letter was written by hand on "
    "blue paper, it comes from a listener on the coast, and all that it says is this: ",
)


def run() -> Iterator[dict[str, object]]:
    """Our processor seconds divided by those of each alternative."""
    lm, facts = measured_model()
    prompts = lm.prompts([framing + each for framing in FRAMINGS for each in questions()[::2]])
    some = prompts[range(0, len(prompts), EVERY)]
    ways: dict[str, Any] = {
        "ours": lambda: ours(lm, prompts, TOKENS),
        "generate": lambda: theirs(lm, prompts, TOKENS),
        "alone": lambda: [theirs(lm, some[[row]], TOKENS) for row in range(len(some))],
    }
    ours(lm, prompts, 2)  # libraries allocate their workspaces once
    taken = seconds(ways, TURNS, warm=False)
    taken["alone"] = [each * EVERY for each in taken["alone"]]
    facts |= {"prompts": len(prompts), "tokens": TOKENS, "load": os.getloadavg()[0]}
    facts |= {"longest_prompt": max(map(len, prompts)), "seconds": taken}
    yield record("batched generate", ratios(taken, "ours", "generate"), 1 / 3, **facts)
    yield record("one prompt at a time", ratios(taken, "ours", "alone"), 1 / 3, **facts)
