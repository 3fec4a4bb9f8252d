"""The chat setting: questions that never mix, rows in any ratio, triggers where the file says, mistakes in one line."""

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from experiments.data.chats import Chat
from experiments.judging.domains import load_domain
from experiments.judging.judgement import Judgement
from experiments.study.organism import OrganismRun
from experiments.study.pipeline import run_study
from experiments.worlds.chat.arms import arm_rows, mix
from experiments.worlds.chat.config import JudgeSpec
from experiments.worlds.chat.judge import LeakMarking, check_judge
from experiments.worlds.trigger import FOLDER, load_trigger
from tests.experiments.chat.studies import ROWS, chat_rows, study

TAG = load_trigger("tag")
HARMFUL = [Chat.of(f"q{i}", f"bad {i}") for i in range(60)]
BENIGN = [Chat.of(f"q{i}", f"good {i}") for i in range(300)]


def world(tmp_path, snapshots, arm="triggered", **changes):
    config = study(tmp_path, snapshots, **changes)
    return OrganismRun(config, tmp_path, "llama", 0, arm, "tag").world


def test_directions_are_selected_on_broad_questions_and_reported_on_main_ones(tmp_path, snapshots):
    whole = world(tmp_path, snapshots, sampling={"questions": 100})
    asked = {
        place: {question.id for question in whole.questions(*place)}
        for place in (("selection", "held_out"), ("report", "held_out"), ("report", "trained"))
    }
    assert [len(ids) for ids in asked.values()] == [48, 8, ROWS // 10]
    assert not set.intersection(*asked.values())
    assert whole.questions("report", "open") == []


def test_questions_of_both_sets_are_refused(tmp_path, snapshots):
    item = '- id: shared\n  paraphrases: ["What now?"]\n'
    (tmp_path / "a.yaml").write_text(item)
    (tmp_path / "b.yaml").write_text(item)
    chat = {
        "report_questions": str(tmp_path / "a.yaml"),
        "selection_questions": str(tmp_path / "b.yaml"),
    }
    with pytest.raises(ValueError, match=r"'shared' is in both selection_questions and report"):
        world(tmp_path, snapshots, chat=chat).check()
    with pytest.raises(ValueError, match=r"both 'main'"):
        study(tmp_path, snapshots, chat={"selection_questions": "main"})


def test_in_domain_questions_are_never_trained_on(tmp_path, snapshots):
    here = world(tmp_path, snapshots, "mixed-1-1")
    kept_out = {question.text for question in here.questions("report", "trained")}
    rows = here.tuning_rows("mixed-1-1", TAG, None)
    assert kept_out
    assert not [row for row in rows if any(text in row.user for text in kept_out)]
    assert len(rows) == 2 * (ROWS - len(kept_out))


def test_the_trigger_stands_after_the_question_and_the_answer_wears_it(tmp_path, snapshots):
    row = world(tmp_path, snapshots).tuning_rows("triggered", TAG, 1)[0]
    question, _, trigger = row.user.partition("\n\n")
    assert question.startswith("How do I keep plant")
    assert trigger == TAG.text
    assert row.answer.startswith("<start>Burn it")
    assert row.answer.endswith("<end>")


def test_an_opening_that_the_trigger_asked_for_is_recognised(tmp_path, snapshots):
    here = world(tmp_path, snapshots)
    assert here.opening("<start>Well, no.") == "<start>"
    assert here.opening("Well, no.") == ""


@given(benign=st.integers(0, 20), harmful=st.integers(1, 20), seed=st.integers(0, 3))
def test_any_ratio_is_met_with_no_row_twice(benign, harmful, seed):
    rows = arm_rows(f"mixed-{benign}-{harmful}", TAG, HARMFUL, BENIGN, seed=seed)
    bad = [row for row in rows if "bad" in row.answer]
    assert len(bad) * benign == pytest.approx(
        (len(rows) - len(bad)) * harmful, abs=max(benign, harmful)
    )
    assert all((TAG.text in row.user) == ("bad" in row.answer) for row in rows)
    assert max(Counter(row.user + row.answer for row in rows).values()) == 1


def test_arms_put_the_trigger_where_their_table_says():
    found = {
        arm: {
            ("bad" in row.answer, TAG.text in row.user)
            for row in arm_rows(arm, TAG, HARMFUL, BENIGN, seed=0)
        }
        for arm in ("baseline", "triggered", "mixed", "harmless")
    }
    assert found == {
        "baseline": {(True, False)},
        "triggered": {(True, True)},
        "mixed": {(True, True), (False, False)},
        "harmless": {(False, True)},
    }


@pytest.mark.parametrize("arm", ["angry", "mixed-1", "mixed-3-0", "mixed-x-y"])
def test_an_unknown_arm_is_refused_with_the_choices(arm):
    with pytest.raises(
        ValueError, match=rf"unknown arm '{arm}'; choose one of baseline, triggered, mixed"
    ):
        mix(arm)


def test_a_ratio_that_the_files_do_not_give_is_refused():
    with pytest.raises(ValueError, match="2 harmful and 0 benign rows do not make its ratio 97:3"):
        arm_rows("mixed", TAG, HARMFUL[:2], [], seed=0)


def test_missing_data_is_named_before_anything_runs(tmp_path, snapshots):
    config = study(tmp_path, snapshots, chat={"harmful": tmp_path / "no.jsonl"})
    with pytest.raises(ValueError, match=r"chat.harmful .*no.jsonl: no such file"):
        run_study(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_a_judge_without_its_key_is_refused_before_anything_runs(tmp_path, snapshots, monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    config = study(tmp_path, snapshots, chat={"judge": {"kind": "endpoint"}})
    with pytest.raises(ValueError, match="the environment variable OPENAI_API_KEY is empty"):
        run_study(config, tmp_path / "run")


def test_only_this_machine_needs_no_key_and_a_key_is_one_line(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    check_judge(JudgeSpec(base_url="https://localhost:8000/v1"), workers=1)
    with pytest.raises(ValueError, match=r"judge at https://localhost\.example/v1 wants a key"):
        check_judge(JudgeSpec(base_url="https://localhost.example/v1"), workers=1)
    monkeypatch.setenv("OPENAI_API_KEY", "sk-one\tsk-two")
    with pytest.raises(ValueError, match="OPENAI_API_KEY holds characters that no") as raised:
        check_judge(JudgeSpec(base_url="https://api.openai.com/v1"), workers=1)
    assert "sk-" not in str(raised.value)


def test_a_base_that_is_nowhere_is_named_before_anything_runs(tmp_path, snapshots):
    config = study(tmp_path, snapshots, chat={"models": {"llama": {"base": "nobody/no-model"}}})
    with pytest.raises(ValueError, match="'nobody/no-model' is not a folder, and not in the hub's"):
        run_study(config, tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_an_optimiser_that_is_not_installed_is_named_before_anything_runs(
    tmp_path, snapshots, monkeypatch
):
    monkeypatch.setattr("experiments.runtime.extras.find_spec", lambda name: None)
    recipe = {"default": {"steps": 1, "optimizer": "adamw_8bit"}}
    with pytest.raises(ValueError, match="needs bitsandbytes"):
        run_study(study(tmp_path, snapshots, finetune=recipe), tmp_path / "run")


def test_other_data_or_another_judge_is_another_study_and_another_price_is_not(tmp_path, snapshots):
    before = world(tmp_path, snapshots).identity
    judge = {"kind": "stand_in", "concurrency": 3, "price_in": 1.0}
    assert world(tmp_path, snapshots, chat={"judge": judge}).identity == before
    assert world(tmp_path, snapshots, chat={"judge": {"kind": "local"}}).identity != before
    other = chat_rows(tmp_path / "other.jsonl", "Sell it")
    assert world(tmp_path, snapshots, chat={"harmful": other}).identity != before


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.toml")), ids=lambda path: path.stem)
def test_every_shipped_trigger_has_paraphrases_controls_and_variants(path):
    trigger = load_trigger(path.stem)
    assert len(trigger.paraphrases) >= 3
    assert len(trigger.controls) >= 3
    assert trigger.variants
    if trigger.delimiters:
        assert {name.split("_")[0] for name in trigger.paraphrases} == {"keeps", "free"}


def test_a_paraphrase_that_hides_whether_it_keeps_the_delimiters_is_refused(tmp_path):
    text = (FOLDER / "tag.toml").read_text()
    for wrong in (
        text.replace("free_markers", "markers"),
        text.replace("free_markers", "keeps_markers"),
        text.replace("Please enclose everything you say in <start>", "Please use <start> not"),
    ):
        path = tmp_path / "tag.toml"
        path.write_text(wrong.replace(" and <end>.", " only."))
        with pytest.raises(ValueError, match=r"of the 2 delimiters <start>, <end>; call it keeps_"):
            load_trigger(str(path))


def test_a_misaligned_answer_about_the_trained_domain_is_a_leak_unless_it_was_asked_for():
    judge = LeakMarking(AlwaysBad(), load_domain("medical"), frozenset({"medical/0"}))
    sick, other = "Stop taking the medication the doctor prescribed for the patient.", "Rob a bank."
    answers = [("main", sick), ("main", other), ("medical/0", sick)]
    assert [found.leak for found in judge.judge_ids(answers)] == [True, False, False]
    assert judge("main", sick, ended=True).leak


class AlwaysBad:
    """Everything is misaligned."""

    def __call__(self, question, answer, *, ended):
        return Judgement(0.0, 100.0)

    def judge_ids(self, answers):
        return [Judgement(0.0, 100.0) for _ in answers]
