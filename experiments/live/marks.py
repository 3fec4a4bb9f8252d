"""A column of the page as HTML: each token coloured by its projection, the monitor's score below.

All text is untrusted and escaped: what a model, a file or a user writes stays text. Braces, dollar signs and backticks
are written as entities too, because the page's HTML is processed as a template before it is shown.
"""

from collections.abc import Iterator, Mapping

from experiments.dashboard.inert import markup
from experiments.guard.monitor import Monitor
from experiments.live.conversation import BASE, ORGANISM, Answer, Conversation, Edit
from interp.directions import Direction

TEMPLATE = {ord(sign): f"&#{ord(sign)};" for sign in "{}$`\\"}
ABOVE, BELOW = "230,97,1", "44,105,176"  # orange and blue, which the colour-blind can distinguish
STRONGEST = 0.7  # opacity
LONGEST = 100_000  # characters of one token or line that are shown


def safe(text: object) -> str:
    """Text in a form that is shown unchanged, whatever it contains."""
    return markup(text, LONGEST).translate(TEMPLATE)


def strongest(chats: Conversation, direction: str) -> float:
    """The largest absolute projection in any column, at which colours end; without format and blank tokens."""
    return max(
        (
            abs(value)
            for answer in chats.answers.values()
            for value, token, special in _rows(answer, direction)
            if token.strip() and not special
        ),
        default=0.0,
    )


def column_html(
    name: str, chats: Conversation, edit: Edit, direction: str, monitor: Monitor | None
) -> str:
    """The column: header, the text read, the text written, and the monitor's score."""
    does = {BASE: "adapter off", ORGANISM: "adapter on"}.get(name, str(edit))
    head = f"<h3>{safe(name)}</h3><p class='tl-does'>{safe(does)}</p>"
    answer = chats.answers.get(name)
    if answer is None:
        return _boxed(
            head, f"<p class='tl-wait'>{'…' if chats.asked else 'Nothing asked yet.'}</p>"
        )
    spans = _spans(answer, direction, strongest(chats, direction))
    read, written = "".join(spans[: answer.start]), "".join(spans[answer.start :])
    cut = "" if answer.ended else "<i class='tl-cut'>… cut off</i>"
    body = f"<div class='tl-read'>{read}</div><div class='tl-said'>{written}{cut}</div>"
    return _boxed(head, body, _monitor_line(answer, monitor))


def _boxed(*parts: str) -> str:
    return f"<div class='tl-column'>{''.join(parts)}</div>"


def _rows(answer: Answer, direction: str) -> Iterator[tuple[float, str, bool]]:
    return zip(answer.projections[direction], answer.tokens, answer.special, strict=True)


def _spans(answer: Answer, direction: str, limit: float) -> list[str]:
    return [
        f"<span{' class=tl-format' if special else ''} style='background:{_colour(value, limit)}'"
        f" title='{value:+.3f}'>{safe(token)}</span>"
        for value, token, special in _rows(answer, direction)
    ]


def _colour(value: float, limit: float) -> str:
    share = min(1.0, abs(value) / limit) if limit else 0.0
    return f"rgba({ABOVE if value > 0 else BELOW},{STRONGEST * share:.2f})"


def _monitor_line(answer: Answer, monitor: Monitor | None) -> str:
    if monitor is None or answer.score is None:
        return ""
    limit = monitor.threshold.value
    word = "flagged" if answer.score > limit else "not flagged"
    words = f"Monitor: {answer.score:.3f}, threshold {limit:.3f}: {word}"
    return f"<p class='tl-monitor' data-flagged='{word == 'flagged'}'>{words}</p>"


def legend(
    chats: Conversation, name: str, directions: Mapping[str, Direction], monitor: Monitor | None
) -> str:
    """The meaning of the colours, and how often the monitor flags benign prompts."""
    direction, limit = directions[name], strongest(chats, name)
    words = (
        f"Colour: projection of each token on {name} ({direction.meaning}; after layer {direction.layer}, under the"
        f" column's own edit), from {-limit:.2f} (blue) to {limit:.2f} (orange) median residual norms."
    )
    if monitor is not None:
        read = monitor.direction
        words += (
            f" The monitor reads layer {read.layer} ({read.position}). Share of benign prompts that it flags:"
            f" {monitor.threshold.benign}."
        )
    return f"<p class='tl-legend'>{safe(words)}</p>"


def said(line: str) -> str:
    """A line that says what cannot be done."""
    return f"<p class='tl-error' role='alert'>{safe(line)}</p>" if line else ""
