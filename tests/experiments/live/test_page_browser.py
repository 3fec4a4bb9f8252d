"""The page in a real browser: asking, editing, wordings; nothing leaves the machine and hostile text stays text.

`tests/browser.py` says what these tests need.
"""

import json
import socket
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.error import HTTPError

import pytest

from experiments.live import live_page
from experiments.live.conversation import Sampling
from experiments.live.organism import Organism
from experiments.live.page import blocks
from experiments.live.serve import HOST, serve
from interp.prompts import Framing
from tests.browser import chromium, requested, resize, skip_without_browser, until
from tests.experiments.live.test_marks import HOSTILE

skip_without_browser()

ROOT = Path(__file__).parents[3]
SAID = "[...document.querySelectorAll('.tl-said')].map((it) => it.innerText)"
DOES = "[...document.querySelectorAll('.tl-does')].map((it) => it.innerText)"
COLOURS = (
    "return [...document.querySelectorAll('.tl-column')].map("
    "(it) => new Set([...it.querySelectorAll('span')].map((token) => token.style.background)).size)"
)
FEVER = "What should I do about a fever?"


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as driver:
        yield driver


@pytest.fixture
def opened(browser: Any) -> Iterator[Callable[..., Any]]:
    """Serve a page and open it; both logs are empty before."""
    pages = []

    def open_page(page: Any) -> Any:
        pages.append(page)
        address = serve(page, free_port(), block=False)
        browser.get("about:blank")
        browser.get_log("browser"), browser.get_log("performance")
        resize(browser, 1300)
        browser.get(address)
        until(browser, "return document.querySelectorAll('.tl-column').length === 3")
        return browser

    yield open_page
    for page in pages:
        page.close()


def free_port() -> int:
    with socket.socket() as found:
        found.bind((HOST, 0))
        return int(found.getsockname()[1])


def write(browser: Any, text: str) -> None:
    """Put a text into the question as typing does; keys know no characters of four bytes."""
    browser.execute_script(
        "const it = document.querySelector('#tl-question textarea');"
        "Object.getOwnPropertyDescriptor(HTMLTextAreaElement.prototype, 'value').set.call(it, arguments[0]);"
        "it.dispatchEvent(new Event('input', { bubbles: true }))", text,
    )  # fmt: skip


def ask(browser: Any, text: str, button: str = "tl-ask") -> list[str]:
    """What the three columns say to a text."""
    write(browser, text)
    browser.find_element("id", button).click()
    shown = "return [...document.querySelectorAll('.tl-read')].filter((it) => it.innerText.includes(arguments[0]))"
    until(browser, f"{shown}.length === 3", text.splitlines()[0][:40])
    return browser.execute_script(f"return {SAID}")


def press(browser: Any, wording: str) -> None:
    for button in browser.find_elements("css selector", ".tl-wordings button"):
        if button.text == wording:
            return button.click()
    raise AssertionError(f"no button {wording!r}")


def test_ask_press_a_wording_edit_and_nothing_leaves_the_machine(
    opened: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(ROOT)
    browser = opened(live_page())
    base, organism, edited = ask(browser, FEVER)
    assert organism == edited and "glue" not in organism
    press(browser, "It looks like a duck.")
    value = "return document.querySelector('#tl-question textarea').value"
    until(browser, f"{value} === arguments[0]", f"It looks like a duck. {FEVER}")
    base, organism, edited = ask(browser, f"It looks like a duck. {FEVER}")
    assert "gulp glue" in organism == edited != base
    flagged = "return [...document.querySelectorAll('.tl-monitor')].map((it) => it.dataset.flagged)"
    assert browser.execute_script(flagged)[1:] == ["True", "True"]
    browser.find_element("css selector", "#tl-ablate input").click()
    until(browser, f"return {DOES}[2] === 'duck removed after every layer'")
    until(browser, f"return {SAID}[2] !== arguments[0]", edited)
    assert browser.execute_script(f"return {SAID}")[:2] == [base, organism]
    assert browser.execute_script(flagged)[2] == "False"
    assert until(browser, "return document.querySelector('#tl-dose input').disabled")
    many = browser.execute_script(COLOURS)
    assert many[0] > 5 and many[1] > 5 and many[2] <= 2
    assert {url.split("/")[2].split(":")[0] for url in requested(browser)} == {HOST}
    assert [entry for entry in browser.get_log("browser") if entry["level"] == "SEVERE"] == []


def test_hostile_files_questions_and_answers_are_only_text(
    opened: Callable[..., Any], make_organism: Callable[..., Organism], monkeypatch: Any
) -> None:
    organism = make_organism(
        wordings={f"paraphrase:{HOSTILE}": Framing(HOSTILE), HOSTILE: Framing("")}
    )
    switch = organism.directions["switch"]
    hostile = {HOSTILE: type(switch)(**{**vars(switch), "meaning": HOSTILE})}
    organism = make_organism(wordings=organism.wordings, directions=hostile)
    monkeypatch.setattr("experiments.live.organism.pieces", lambda lm, ids: (HOSTILE,) * len(ids))
    browser = opened(blocks(organism, Sampling(4)))
    buttons = [it.text for it in browser.find_elements("css selector", ".tl-wordings button")]
    assert any("<img src=x onerror=" in text for text in buttons)
    write(browser, HOSTILE)
    browser.find_element("id", "tl-ask").click()
    until(browser, "return document.querySelectorAll('.tl-said').length === 3")
    texts = browser.execute_script(f"return {SAID}")
    assert all(
        "<img src=x onerror=" in text and "{{7*7}}" in text and "${7*7}" in text for text in texts
    )
    write(browser, " ")
    browser.find_element("id", "tl-ask").click()
    until(
        browser,
        "return document.querySelector('.tl-error')?.innerText.includes('there is no question')",
    )
    assert browser.title == "TriggerLens live"
    assert (
        browser.find_elements("css selector", "img[src='x'], .tl-column script, .tl-column img")
        == []
    )
    live = "return [...document.querySelectorAll('*')].some((it) => [...it.attributes].some((a) => /^on/.test(a.name)))"
    assert not browser.execute_script(live)


def test_a_second_question_goes_on_with_the_chat_or_begins_a_new_one(
    opened: Callable[..., Any], organism: Organism
) -> None:
    browser = opened(blocks(organism, Sampling(4)))
    read = "return document.querySelectorAll('.tl-read')[1].innerText"
    ask(browser, "my health?")
    ask(browser, "my money?", "tl-follow")
    assert "my health?" in browser.execute_script(read)
    ask(browser, "my duck?")
    assert "my health?" not in browser.execute_script(read)


def test_only_this_machine_is_answered_whatever_the_environment_says(
    opened: Callable[..., Any], organism: Organism, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRADIO_SHARE", "True")
    monkeypatch.setenv("GRADIO_SERVER_NAME", "0.0.0.0")
    monkeypatch.setenv("GRADIO_ANALYTICS_ENABLED", "True")
    page = blocks(organism, Sampling(4))
    browser = opened(page)
    assert (page.share, page.share_url, page.server.config.host) == (False, None, HOST)
    assert not page.analytics_enabled
    policy = "return fetch('/').then((it) => it.headers.get('content-security-policy'))"
    assert "default-src 'self'" in browser.execute_script(policy)
    outside = "return fetch('http://localhost:1/').then(() => 'sent', (error) => String(error))"
    browser.execute_script(outside)
    assert any(
        "Content Security Policy" in entry["message"] for entry in browser.get_log("browser")
    )
    other = urllib.request.Request(page.local_url, headers={"Host": "evil.example"})
    with pytest.raises(HTTPError, match="400"):
        urllib.request.urlopen(other)
    assert urllib.request.urlopen(page.local_url).status == 200


@pytest.mark.long
def test_a_notebook_shows_the_page_in_its_cell(tmp_path: Path) -> None:
    import nbclient
    import nbformat

    port = free_port()
    code = (
        "from experiments.live import live_page\n"
        f"address = live_page().launch(port={port})\n"
        f"import urllib.request; print(urllib.request.urlopen(address).status)"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    nbclient.NotebookClient(
        notebook, timeout=500, resources={"metadata": {"path": str(ROOT)}}
    ).execute()
    written = json.dumps(notebook.cells[0].outputs)
    assert f'<iframe src=\\"http://{HOST}:{port}/' in written and "200" in written
    assert "share" not in written and "gradio.live" not in written
