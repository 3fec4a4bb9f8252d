"""Reads prompts as JSON lines and writes scores as JSON lines, each as soon as it is known."""

from collections.abc import Iterable, Iterator
from typing import TextIO

import torch
from jaxtyping import Float
from torch import Tensor

from experiments.data.json_rows import json_object
from experiments.guard.live import Live, live_prompts, parse_live
from experiments.guard.monitor import Monitor
from experiments.runtime.files import to_json
from interp.models.language_model import LanguageModel

Line = tuple[int, Live | str]  # its number; its prompt, or what is wrong with it


def score_lines(
    monitor: Monitor, lm: LanguageModel, lines: Iterable[bytes], out: TextIO, rows: int = 1
) -> tuple[Float[Tensor, " prompt"], int]:
    """Score all lines in order, `rows` prompts at a time; also counts lines that held no prompt."""
    scores, bad = [], 0
    for batch in _batches(_parsed(lines), rows):
        chats = [chat for _, chat in batch if isinstance(chat, Live)]
        found = monitor.score(lm, live_prompts(lm, chats)) if chats else torch.empty(0)
        scores.append(found)
        values = iter(zip(found.tolist(), monitor.flags(found).tolist(), strict=True))
        for number, chat in batch:
            row: dict[str, object] = {"line": number}
            if isinstance(chat, Live):
                row["score"], row["flagged"] = next(values)
            else:
                row["error"], bad = chat, bad + 1
            print(to_json(row), file=out, flush=True)
    return torch.cat(scores) if scores else torch.empty(0), bad


def _parsed(lines: Iterable[bytes]) -> Iterator[Line]:
    for number, line in enumerate(lines, start=1):
        if line.strip():
            try:
                yield number, parse_live(json_object(line.decode("utf-8-sig", "surrogateescape")))
            except ValueError as error:
                yield number, str(error)


def _batches(lines: Iterator[Line], rows: int) -> Iterator[list[Line]]:
    batch: list[Line] = []
    for line in lines:
        batch.append(line)
        if len(batch) == rows:
            yield batch
            batch = []
    if batch:
        yield batch
