"""How often the scan is right on made-up chats.

Each draw makes 5,000 chats, plants one framing (one wording, or twenty) at five coverages, and checks whether the first
framing reported is the planted one: the same part of the chat, and nearly the same rows. For clean chats, nothing may
be reported. The ratio is the largest share of wrong draws divided by the 5 % that are allowed.
"""

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor

from experiments.data.chats import Chat
from experiments.guard.places import Parts
from experiments.guard.planted import clean_chats, draw_plant, plant
from experiments.guard.scan import find_in

DRAWS, SEARCHED, WORKERS = 100, 5_000, 2
COVERAGES, WAYS = (0.01, 0.03, 0.1, 0.5, 1.0), (1, 20)
WRONG, SAME_ROWS = 0.05, 0.8


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


def run(draws: int = DRAWS) -> dict[str, object]:
    """The largest share of wrong draws, among coverages and numbers of ways."""
    right: Counter[str] = Counter()
    with ProcessPoolExecutor(WORKERS) as pool:
        for found in pool.map(one_draw, range(draws)):
            right.update({name: int(yes) for name, yes in found.items()})
    shares = {name: count / draws for name, count in right.items()}
    ratio = (1 - min(shares.values())) / WRONG
    return {
        "name": "scan, wrong draws / 5 %",
        "ratio": ratio,
        "target": 1.0,
        "reached": ratio <= 1,
        "draws": draws,
        "rows_a_draw": SEARCHED,
        "share_right": shares,
    }
