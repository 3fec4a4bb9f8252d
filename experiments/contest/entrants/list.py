"""The entrants by name."""

from experiments.contest.entrants.black_box import black_box
from experiments.contest.entrants.contrast import contrast
from experiments.contest.entrants.entrant import Entrant
from experiments.contest.entrants.leaking import leaking
from experiments.contest.entrants.ours import ours
from experiments.contest.entrants.weights import weights

ENTRANTS: dict[str, Entrant] = {  # ours is first, because the black box may use as many tokens
    "ours": ours,
    "leaking": leaking,
    "contrast": contrast,
    "weights": weights,
    "black box": black_box,
}
PUBLISHED = ("leaking", "contrast", "weights")
