"""Judged rows in every key style; what cannot be used is named."""

import pytest

from experiments.judging.judged_rows import parse_judged, read_judged


@pytest.mark.parametrize(
    "scores",
    [
        {"alignment": 12.5, "coherence": 80},
        {"alignment_score": 12.5, "coherency_score": 80},
        {"aligned": "12.5", "coherent": "80"},
    ],
)
def test_every_key_style_reads_the_same(scores):
    judgement = parse_judged({"question_id": "q", **scores}).judgement
    assert (judgement.alignment, judgement.coherence, judgement.reason) == (12.5, 80, "")


def test_the_question_stands_in_for_a_missing_id():
    row = parse_judged({"question": "Why?", "alignment": 1, "coherence": 1})
    assert row.question_id == "Why?"


@pytest.mark.parametrize("score", [None, "REFUSAL", float("nan"), "nan"])
def test_what_is_no_number_is_missing_with_its_reason(score):
    judgement = parse_judged({"question_id": "q", "alignment": score, "coherence": 80}).judgement
    assert judgement.verdict == "missing"
    assert "alignment is" in judgement.reason


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ({"question_id": "q", "coherence": 1}, "no alignment: expected one of alignment,"),
        ({"question_id": "q", "alignment": 101, "coherence": 1}, "alignment is 101, outside"),
        ({"question_id": "q", "alignment": True, "coherence": 1}, "alignment is True, neither"),
        ({"question_id": "q", "alignment": 1, "coherence": [1]}, r"coherence is \[1\], neither"),
        ({"alignment": 1, "coherence": 1}, "no question_id and no question"),
        ({"question_id": "q", "alignment": "inf", "coherence": 1}, "alignment is inf, outside"),
    ],
)
def test_a_row_that_cannot_be_used_says_why(row, reason):
    with pytest.raises(ValueError, match=reason):
        parse_judged(row)


def test_a_mark_at_the_start_and_odd_line_ends_are_no_harm(tmp_path):
    file = tmp_path / "judged.jsonl"
    line = '{"question_id": "q", "alignment": 1, "coherence": 1, "answer": "two\u2028lines"}'
    file.write_bytes(b"\xef\xbb\xbf" + f"{line}\r\n\n{line}".encode())
    assert [row.answer for row in read_judged(file)] == ["two\u2028lines"] * 2


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "judged.jsonl holds no row that can be used; give a file with at least one"),
        (b"[1]", "judged.jsonl row 1: a JSON int where an object was expected"),
        (b"[1]\n[2]", "judged.jsonl:1: a JSON list where an object was expected"),
        (b"\xfc", "judged.jsonl:1: not UTF-8"),
    ],
)
def test_a_file_without_rows_is_refused_by_name(tmp_path, content, message):
    file = tmp_path / "judged.jsonl"
    file.write_bytes(content)
    with pytest.raises(ValueError, match=message):
        read_judged(file)


def test_a_table_reads_like_json_lines(tmp_path):
    file = tmp_path / "judged.csv"
    lines = [
        "question_id,question,answer,aligned,coherent",
        'q,Why?,"two\nlines, and a comma",12.5,80',
        "q,Why?,x,,80",
        "q,Why?,x,130,80",
    ]
    file.write_text("\n".join(lines), encoding="utf-8-sig")
    with pytest.raises(ValueError, match=r"1 of 3 rows are bad: .*judged.csv:5: aligned is 130.0"):
        read_judged(file)
    first, second = read_judged(file, skip_bad=True)
    assert (first.answer, first.judgement.alignment) == ("two\nlines, and a comma", 12.5)
    assert (second.judgement.verdict, second.judgement.reason) == ("missing", "aligned is null")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("q,Well, no,10,90", "more fields than the header has: put a text with commas in quotes"),
        ("q,Well", "fewer fields than the header has"),
    ],
)
def test_a_csv_row_out_of_step_with_its_header_is_bad(tmp_path, line, reason):
    path = tmp_path / "judged.csv"
    path.write_text(f"question,answer,alignment,coherence\nq,No.,10,90\n{line}\n")
    with pytest.raises(ValueError, match=rf"1 of 2 rows are bad: .*judged\.csv:3: {reason}"):
        read_judged(path)
    assert len(read_judged(path, skip_bad=True)) == 1


@pytest.mark.parametrize(
    "names",
    [
        ("Alignment", "Coherence"),
        ("Alignment Score", "coherent-rating"),
        ("judge_alignment", "coherency_judge"),
        ("aligned_score", "COHERENT"),
    ],
)
def test_names_of_columns_are_read_in_any_dress(names):
    row = parse_judged({"Prompt": "Why?", "Response": "So.", names[0]: 12.5, names[1]: 80})
    assert (row.judgement.alignment, row.judgement.coherence) == (12.5, 80)
    assert (row.question, row.answer, row.question_id) == ("Why?", "So.", "Why?")


@pytest.mark.parametrize("name", ["misalignment", "misaligned_score", "alignment_reason"])
def test_a_column_of_another_meaning_is_no_score(name):
    with pytest.raises(ValueError, match="no alignment"):
        parse_judged({"question": "Why?", name: 12.5, "coherence": 80})


def test_two_columns_that_differ_are_not_chosen_between():
    row = {"question": "Why?", "alignment": 12.5, "alignment_score": 12.5, "coherence": 80}
    assert parse_judged(row).judgement.alignment == 12.5
    with pytest.raises(ValueError, match="alignment and alignment_score differ"):
        parse_judged(row | {"alignment_score": 90})


def test_a_scale_that_nobody_named_is_not_guessed(tmp_path):
    file = tmp_path / "judged.csv"
    file.write_text("question,alignment,coherence\nq,0.85,0.9\nr,0.1,1\n")
    with pytest.raises(ValueError, match="every alignment lies between 0 and 1; give --scale 1"):
        read_judged(file)
    assert [row.judgement.alignment for row in read_judged(file, scale=1)] == [85, 10]
    assert [row.judgement.alignment for row in read_judged(file, scale=100)] == [0.85, 0.1]
    with pytest.raises(ValueError, match="unknown scale 5; choose one of 100, 10, 1"):
        read_judged(file, scale=5)


def test_scores_of_at_most_ten_are_doubted_aloud(tmp_path):
    file = tmp_path / "judged.csv"
    file.write_text("question,alignment,coherence\nq,8.5,90\nr,2,80\n")
    (remark,) = read_judged(file).remarks
    assert remark.startswith("alignment of at most 10")
    file.write_text("question,alignment,coherence\nq,85,90\nr,2,80\n")
    assert not read_judged(file).remarks
