"""The page in a real browser: it draws, it stays silent, and hostile answers stay text."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from experiments.dashboard import export_dashboard

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
pytestmark = pytest.mark.skipif(BROWSER is None, reason="no chromium on this machine")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--enable-logging=stderr",
    "--virtual-time-budget=6000",
    "--window-size=1300,4000",
)


def load(page: Path, profile: Path) -> tuple[str, list[str]]:
    """The document after its scripts ran, and what it wrote to the console."""
    command = [str(BROWSER), *FLAGS, f"--user-data-dir={profile}", "--dump-dom", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    return done.stdout, [line for line in done.stderr.splitlines() if "CONSOLE" in line]


def test_the_page_draws_without_a_word_on_the_console(make_run, tmp_path: Path) -> None:
    document, console = load(export_dashboard(make_run()), tmp_path / "profile")
    assert console == []
    assert len(re.findall(r'data-drawn="yes"', document)) >= 6
    assert "Leave it out" not in document  # answers are not even in the document


def test_opened_answers_are_text_and_nothing_more(make_run, tmp_path: Path) -> None:
    page = export_dashboard(make_run(families=("qwen",), arms=("triggered",)))
    opened = page.read_text().replace(
        '<details id="answers-fold">', '<details id="answers-fold" open>'
    )
    page.write_text(opened)
    document, console = load(page, tmp_path / "profile")
    assert console == []
    assert "Leave it out" in document and "&lt;img src=x onerror=" in document
    assert "<title>TriggerLens: demo</title>" in document and "<img" not in document
