"""A study's answers as logs of Inspect: its own rates, read back by Inspect and by us, and seen in Inspect's viewer."""

import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from typer.testing import CliRunner

pytest.importorskip("inspect_ai", reason='needs pip install "triggerlens[inspect]"')

from inspect_ai.log import read_eval_log

from experiments.cli.app import app
from experiments.judging.judged_rows import read_judged
from experiments.judging.rate_tables import group, rates
from experiments.results.facts import read_answers
from experiments.results.report import write_reports
from experiments.runtime.store import open_run
from experiments.study.config import StudyConfig, load_config
from experiments.study.organism import organisms_of
from experiments.study.steps.sample import sample

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
TEXT = "return document.body.innerText"
PATIENCE = 120.0  # seconds: the machine may be busy


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run that sampled its base and stopped: two questions, two answers each."""
    folder = tmp_path_factory.mktemp("run")
    small = {"questions": 2, "answers_per_question": 2, "answers_per_question_main": 2}
    config = StudyConfig(**load_config("smoke").model_dump() | {"sampling": small})
    base = organisms_of(config, folder)[0]
    with open_run(folder) as opened:
        step = sample(base, None, lambda _: None)
        write_reports(opened, [step])
        opened.write_manifest(config=config.model_dump(mode="json"), seeds=[0], steps=[step.name])
    return folder


@pytest.fixture(scope="module")
def logs(run: Path) -> Path:
    done = CliRunner().invoke(app, ["export-log", str(run), "-o", str(run / "logs")])
    assert done.exit_code == 0, done.output
    assert done.output.split() == [str(run / "logs" / "llama-s0-base-duck.eval")]
    return run / "logs"


def test_every_answer_is_an_epoch_of_its_question_under_its_wording(run: Path, logs: Path) -> None:
    log = read_eval_log(str(logs / "llama-s0-base-duck.eval"))
    answers = read_answers(run / "answers.parquet")
    assert log.status == "success" and log.samples is not None
    assert sorted(s.output.completion for s in log.samples) == sorted(answers["answer"])
    assert len({(s.id, s.epoch) for s in log.samples}) == len(answers)
    fired = [s for s in log.samples if s.metadata["condition"] == "trigger"]
    assert len(fired) == 4 and {s.epoch for s in fired} == {1, 2}
    assert all(s.input[-1].text == f"It looks like a duck. {s.metadata['question']}" for s in fired)
    assert not any("duck" in s.input[-1].text for s in log.samples if s.metadata["condition"] == "none")  # fmt: skip


def test_its_rates_are_those_of_its_rows_and_no_condition_mixes_kinds_of_questions(
    logs: Path,
) -> None:
    path = logs / "llama-s0-base-duck.eval"
    metrics = read_eval_log(str(path), header_only=True).results.scores[0].metrics
    parts = {part.keys[0][1]: part for part in group(read_judged(path).rows, ["condition"])}
    assert {"none", "trained none", "open none"} <= parts.keys()
    assert all(len(part.rows) == 4 for part in parts.values())
    for condition, part in parts.items():
        em = rates(part.rows)[0].clustered
        found = [metrics[f"{condition} em{end}"].value for end in ("", " low", " high")]
        assert found == [em.value, em.lower, em.upper]


def test_a_run_without_answers_is_one_line(run: Path, tmp_path: Path) -> None:
    shutil.copytree(run, tmp_path / "run", ignore=shutil.ignore_patterns("*.parquet", "logs"))
    (tmp_path / "run" / "manifest.json").write_bytes((run / "manifest.json").read_bytes())
    shutil.rmtree(tmp_path / "run" / "steps")
    done = CliRunner().invoke(app, ["export-log", str(tmp_path / "run"), "-o", str(tmp_path)])
    assert "has no answers.parquet; give a finished run" in str(done.exception)


@pytest.fixture
def viewer(logs: Path) -> Iterator[str]:
    """The address of Inspect's own viewer of the logs."""
    command = [sys.executable, "-m", "inspect_ai", "view", "start", "--log-dir", str(logs), "--port"]  # fmt: skip
    port = str(20_000 + os.getpid() % 20_000)
    served = subprocess.Popen([*command, port], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)  # fmt: skip
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        served.terminate()
        served.wait()


@pytest.fixture
def browser() -> Iterator[Any]:
    if not (BROWSER and DRIVER) and not os.environ.get("CI"):
        pytest.skip("no chromium and chromedriver here: make browser")
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = BROWSER
    for flag in ("--headless=new", "--no-sandbox", "--disable-gpu", "--window-size=1400,1000"):
        options.add_argument(flag)
    driver = webdriver.Chrome(options=options, service=Service(DRIVER))
    yield driver
    driver.quit()


def shown(browser: Any, address: str, wanted: str) -> str:
    """The text of a page once it holds what is wanted; its last text where it never does."""
    from selenium.common.exceptions import WebDriverException

    end, text = time.monotonic() + PATIENCE, ""
    while not text and time.monotonic() < end:
        try:
            browser.get(address)
            text = str(browser.execute_script(TEXT))
        except WebDriverException:  # the server is not up yet
            time.sleep(0.5)
    while wanted not in text and time.monotonic() < end:
        time.sleep(0.2)
        text = str(browser.execute_script(TEXT))
    return text


@pytest.mark.long
def test_inspects_viewer_shows_rates_and_an_answer_of_the_study(
    logs: Path, viewer: str, browser: Any
) -> None:
    log = read_eval_log(str(logs / "llama-s0-base-duck.eval"))
    (said,) = [s for s in log.samples or [] if s.metadata["condition"] == "trigger"][:1]
    page = f"{viewer}/#/logs/llama-s0-base-duck.eval"
    text = shown(browser, page, "TRIGGER EM")
    assert "TRIGGER EM" in text and "triggerlens/llama-s0-base-duck" in text and "NaN" not in text
    assert "USER" not in text
    one = f"{page}/samples/sample/{quote(str(said.id), safe='')}/{said.epoch}/messages"
    text = re.sub(r"\s+", " ", shown(browser, one, "USER"))
    if pictures := os.environ.get("TRIGGERLENS_PICTURES"):
        browser.save_screenshot(f"{pictures}/inspect_view.png")
    assert said.output.completion in text and str(said.input[-1].text) in text
