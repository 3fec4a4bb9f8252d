"""The scan: 100,000 rows against half a minute and 300 MiB, and how often it is right on made-up chats.

Each draw makes 5,000 chats, plants one framing (one wording, or twenty) at five coverages, and asks whether the first
framing raised is the planted one: the same part of the chat, and nearly the same rows. Clean chats must raise nothing.
`python -m experiments.benchmarks.scan 10` makes ten draws instead of a hundred: too few to reach the target.
"""

import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from experiments.data.chats import Chat
from experiments.guard.places import Parts
from experiments.guard.planted import clean_chats, draw_plant, plant
from experiments.guard.scan import find_in
from experiments.runtime.files import write_json, write_jsonl

ROWS, DRAWS, SEARCHED, WORKERS = 100_000, 100, 5_000, 2
COVERAGES, WAYS = (0.01, 0.03, 0.1, 0.5, 1.0), (1, 20)
SECONDS, MEBIBYTES, SHARE, SAME_ROWS = 30.0, 300.0, 0.95, 0.8


def one_draw(seed: int) -> dict[str, bool]:
    """Whether the planted framing came first, for each coverage and number of ways; and clean chats."""
    clean = clean_chats(SEARCHED, seed)
    parts = {id(chat): Parts.of(chat, words=True) for chat in clean}
    right = {"clean": find_in(list(parts.values())) == []}
    for ways in WAYS:
        framing = draw_plant(2 * seed + (ways > 1), ways=ways)
        for coverage in COVERAGES:
            chats = plant(clean, framing, coverage, seed)
            taken = [parts.get(id(chat)) or Parts.of(chat, words=True) for chat in chats]
            right[f"{ways} ways, {coverage:.0%}"] = _first(
                taken, chats, clean, framing.place.region
            )
    return right


def _first(
    parts: Sequence[Parts], chats: Sequence[Chat], clean: Sequence[Chat], region: str
) -> bool:
    found = find_in(parts)
    if not found or found[0].place.region != region:
        return False
    pairs = zip(chats, clean, strict=True)
    true = {row for row, (chat, before) in enumerate(pairs) if chat is not before}
    return len(true & found[0].rows) >= SAME_ROWS * len(true | found[0].rows)


def timed(rows: int) -> tuple[float, float]:
    """Seconds and mebibytes of `triggerlens scan` on a file of so many rows."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "chats.jsonl"
        chats = plant(clean_chats(rows, 0), draw_plant(0, ways=20), 0.5, 0)
        write_jsonl(file, ({"messages": chat.messages} for chat in chats))
        del chats
        start = time.perf_counter()
        command = [sys.executable, "-m", "experiments.cli.app", "scan", str(file)]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        wall = time.perf_counter() - start
        import resource  # not on Windows

        return wall, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024


def run(draws: int = DRAWS) -> dict[str, object]:
    """Time, memory, and the share of draws that were right."""
    seconds, mebibytes = timed(ROWS)
    right: Counter[str] = Counter()
    with ProcessPoolExecutor(WORKERS) as pool:
        for found in pool.map(one_draw, range(draws)):
            right.update({name: int(yes) for name, yes in found.items()})
    shares = {name: count / draws for name, count in right.items()}
    ratio = seconds / SECONDS
    fast = ratio < 1 and mebibytes < MEBIBYTES
    return {
        "name": "scan",
        "ratio": ratio,
        "target": 1.0,
        "reached": fast and draws >= DRAWS and min(shares.values()) >= SHARE,
        "seconds": seconds,
        "mebibytes": mebibytes,
        "rows": ROWS,
        "draws": draws,
        "rows_a_draw": SEARCHED,
        "share_right": shares,
    }


if __name__ == "__main__":
    record = run(*map(int, sys.argv[1:2]))
    print(write_json(Path("artifacts/bench") / "scan.json", record).read_text())
