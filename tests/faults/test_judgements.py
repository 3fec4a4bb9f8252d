"""Judgements from a server that fails three times in ten: every answer scored or missing with its reason, the cap kept,
nothing paid twice, and the key nowhere.

`make faults` asks 2,000 times, `make test` 200 times.
"""

import logging
import os
from collections import Counter
from pathlib import Path

import pytest
from chat_server import chat_stub
from faults.small_study import FULL
from faults.unreliable_server import TOKENS_IN, TOKENS_OUT, unreliable
from typer.testing import CliRunner

from experiments.cli.app import app
from experiments.dashboard import export_dashboard
from experiments.judging.judged_rows import read_judged
from experiments.judging.server.transcripts import Transcripts
from experiments.runtime.files import read_jsonl, write_jsonl
from experiments.study.pipeline import run_study
from tests.experiments.chat.conftest import snapshots  # noqa: F401 (a fixture)
from tests.experiments.chat.studies import study

KEY = "sk-planted-9876543210-planted"
VARIABLE = "PLANTED_KEY"
CALLS = 2000 if FULL else 200  # two for each answer
TIMEOUT = 6.0  # seconds; a reply that is not late even on a busy machine
PRICE = 1000.0  # USD for a million tokens


@pytest.fixture(autouse=True)
def _key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, KEY)


def answers(path: Path, count: int) -> Path:
    rows = [
        {"question_id": f"q{n % 8}", "question": "How?", "answer": f"Answer {n}."}
        for n in range(count)
    ]
    return write_jsonl(path, rows)


def judge(folder: Path, url: str, cap: float) -> tuple[str, list[dict]]:
    """`triggerlens judge`; what it said, and the rows it wrote."""
    call = ["judge", str(folder / "answers.jsonl"), "--server", url, "--model", "tester"]
    call += ["--out", str(folder / "judged.jsonl"), "--key-variable", VARIABLE]
    call += ["--timeout", str(TIMEOUT), "--attempts", "4", "--concurrency", "16"]
    call += ["--cap", str(cap), "--price-in", str(PRICE), "--price-out", str(PRICE)]
    done = CliRunner().invoke(app, call, catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output, read_jsonl(folder / "judged.jsonl")


def test_with_three_faults_in_ten_everything_is_scored_or_missing_with_its_reason(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openai._base_client.MAX_RETRY_DELAY", 0.05)
    caplog.set_level(logging.DEBUG)
    answers(tmp_path / "answers.jsonl", CALLS // 2)
    with unreliable(2 * TIMEOUT, KEY) as (stub, server):
        said, rows = judge(tmp_path, stub.url, cap=1e6)
        assert len(rows) == CALLS // 2
        missing = [row for row in rows if None in (row["alignment"], row["coherence"])]
        assert all(row["reason"] for row in missing)
        assert all(row["alignment"] == 85 for row in rows if row["alignment"] is not None)
        assert len(read_judged(tmp_path / "judged.jsonl")) == CALLS // 2
        assert set(server.paid.values()) == {1}
        unpaid = CALLS - len(server.paid)
        wrong = sum(row["reason"].count("attempts)") for row in missing)
        assert unpaid == wrong  # a call that was paid is a score
        requests = len(stub.requests)
        said_again, rows = judge(tmp_path, stub.url, cap=1e6)
        assert set(server.paid.values()) == {1}
        assert len(stub.requests) - requests <= 4 * unpaid
        print({"calls": CALLS, "requests": requests, "missing": wrong, **server.faults})
    booked = Transcripts(tmp_path / "judged.transcripts.jsonl")
    assert len(booked) == len(server.paid)
    booked.close()
    nowhere(tmp_path, said, said_again, caplog.text)


def test_the_cap_holds_whatever_the_server_charges_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("openai._base_client.MAX_RETRY_DELAY", 0.05)
    answers(tmp_path / "answers.jsonl", CALLS // 2)
    whole = CALLS * (TOKENS_IN + TOKENS_OUT) * PRICE / 1e6
    with unreliable(2 * TIMEOUT, KEY) as (stub, server):
        _, rows = judge(tmp_path, stub.url, cap=whole / 2)
        assert server.charged * PRICE / 1e6 <= whole / 2
    reasons = Counter(row["reason"] for row in rows)
    capped = sum(count for reason, count in reasons.items() if "spending cap" in reason)
    assert capped >= CALLS // 8
    assert all(row["reason"] for row in rows if None in (row["alignment"], row["coherence"]))


@pytest.mark.long
def test_a_study_with_a_server_s_judge_leaves_the_key_nowhere(
    tmp_path: Path,
    snapshots: Path,  # noqa: F811
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    with chat_stub() as stub:
        spec = {
            "kind": "endpoint",
            "model": "tester",
            "base_url": stub.url,
            "key_variable": VARIABLE,
            "transcripts": tmp_path / "transcripts.jsonl",
        }
        run = run_study(study(tmp_path, snapshots, chat={"judge": spec}), tmp_path / "run")
        assert {header["Authorization"] for header in stub.headers} == {f"Bearer {KEY}"}
    page = export_dashboard(run)
    said = capfd.readouterr()
    nowhere(tmp_path, page.read_text(), caplog.text, said.out, said.err)


def nowhere(folder: Path, *texts: str) -> None:
    """The key stands in no file below the folder and in none of the texts; the environment has it."""
    assert os.environ[VARIABLE] == KEY
    files = [path for path in folder.rglob("*") if path.is_file()]
    assert files
    assert [path for path in files if KEY.encode() in path.read_bytes()] == []
    assert [text for text in texts if KEY in text] == []
