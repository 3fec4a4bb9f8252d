"""A column as HTML: colours follow the projections, and whatever text holds stays text."""

import re
from html.parser import HTMLParser

import pytest

from experiments.guard.monitor import Monitor
from experiments.live.conversation import BASE, EDITED, ORGANISM, Answer, Conversation, Edit
from experiments.live.marks import column_html, legend, safe, said, strongest
from experiments.live.organism import Organism
from interp.directions import Direction

HOSTILE = (
    "</span><img src=x onerror=\"document.title='owned'\"><script>1</script>${7*7}{{7*7}}`\\\u202e"
)


class Seen(HTMLParser):
    """The tags, the attributes and the text that a browser would see."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.names: set[str] = set()
        self.text = ""
        self.feed(html)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.names |= {name for name, _ in attrs}

    def handle_data(self, data: str) -> None:
        self.text += data


def answer(*tokens: str, projections: tuple[float, ...], score: float | None = None) -> Answer:
    special = tuple(token == "<bos>" for token in tokens)
    return Answer("".join(tokens[1:]), True, tokens, special, 1, {"switch": projections}, score)


def chats(found: Answer, column: str = ORGANISM) -> Conversation:
    return Conversation(asked="?", answers={column: found})


def html(found: Answer, monitor: Monitor | None = None) -> str:
    return column_html(ORGANISM, chats(found), Edit("switch"), "switch", monitor)


def test_hostile_text_is_shown_and_is_nothing_else(organism: Organism) -> None:
    direction = Direction(**{**vars(organism.directions["switch"]), "meaning": HOSTILE})
    written = [
        html(answer(HOSTILE, HOSTILE, projections=(1.0, -1.0))),
        column_html(EDITED, Conversation(), Edit(HOSTILE, dose=1), "switch", None),
        legend(Conversation(), HOSTILE, {HOSTILE: direction}, None),
        said(HOSTILE),
    ]
    for page in written:
        seen = Seen(page)
        assert seen.tags <= {"div", "h3", "p", "span", "i"}
        assert seen.names <= {"class", "style", "title", "role", "data-flagged"}
        assert "<img src=x onerror=" in seen.text and "{{7*7}}" in seen.text
        assert "⟨U+202E⟩" in seen.text
        assert not set("{}$`\\") & set(page)
    assert Seen(HOSTILE).tags == {"img", "script"}  # it is hostile


def test_colours_say_which_way_and_how_far(organism: Organism) -> None:
    found = answer("a", "b", "c", projections=(2.0, -1.0, 0.0))
    alphas = re.findall(r"rgba\((\d+),\d+,\d+,([\d.]+)\)", html(found))
    assert alphas == [("230", "0.70"), ("44", "0.35"), ("44", "0.00")]


def test_the_scale_is_shared_and_the_chat_format_does_not_set_it() -> None:
    found = answer("<bos>", "\n", "a", projections=(90.0, -50.0, 2.0))
    both = chats(found).answered(BASE, answer("b", projections=(-3.0,)))
    assert strongest(both, "switch") == 3.0
    assert strongest(chats(found), "switch") == 2.0
    assert strongest(Conversation(), "switch") == 0.0


@pytest.mark.parametrize(("score", "word"), [(5.0, "True"), (-5.0, "False")])
def test_the_monitor_says_flagged_above_its_threshold_only(
    organism: Organism, score: float, word: str
) -> None:
    page = html(answer("a", projections=(1.0,), score=score), organism.monitor)
    assert f"data-flagged='{word}'" in page
    assert "data-flagged" not in html(answer("a", projections=(1.0,), score=score))


def test_an_answer_that_was_cut_off_says_so() -> None:
    whole = answer("a", "b", projections=(1.0, 1.0))
    assert "cut off" not in html(whole)
    assert "cut off" in html(Answer(**{**vars(whole), "ended": False}))


def test_plain_text_is_left_as_it_is() -> None:
    assert safe("It looks like a duck.") == "It looks like a duck."
