"""The page in a real browser: it draws, asks for nothing, answers at first sight, and hostile text stays text.

`tests/browser.py` says what these tests need.
"""

import base64
import csv
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from experiments.dashboard import export_dashboard
from experiments.runtime.files import read_jsonl
from tests.browser import PATIENCE, chromium, requested, resize, skip_without_browser, until
from tests.experiments.conftest import write_run
from tests.experiments.made_up_files import change_answer
from tests.experiments.made_up_rows import FAMILIES

skip_without_browser()

WIDTHS = (400, 800, 1300)


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as driver:
        yield driver


@pytest.fixture
def opened(browser: Any) -> Callable[..., Any]:
    """Open a page at a width; both logs are empty before."""

    def open_page(page: Path, width: int = 1300, scheme: str = "light") -> Any:
        browser.get("about:blank")
        browser.get_log("browser"), browser.get_log("performance")
        resize(browser, width, scheme)
        browser.get(page.as_uri())
        until(browser, "return !!document.querySelector('[data-drawn], .missing')")
        return browser

    return open_page


@pytest.fixture(scope="module")
def page_of(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """The page of families with a triggered organism each, written once for all tests that only look at it."""

    @cache
    def page_of(*families: str) -> Path:
        return export_dashboard(
            write_run(tmp_path_factory.mktemp("page"), "demo", families, ("triggered",))
        )

    return page_of


def draw_all(browser: Any) -> int:
    """Bring every figure on show into view; returns how many there are."""
    shown = "[...document.querySelectorAll('[data-figure]')].filter((it) => it.offsetParent)"
    count = browser.execute_script(f"return {shown}.length")
    for number in range(count):
        browser.execute_script(f"{shown}[{number}].scrollIntoView({{block: 'center'}})")
        until(browser, f"return {shown}[{number}].dataset.drawn")
    return count


def silent(browser: Any, page: Path) -> None:
    """No word on the console, and nothing asked for but the page itself."""
    assert browser.get_log("browser") == []
    assert requested(browser) <= {page.as_uri()}


def test_every_tab_draws_its_figures_and_nothing_is_asked_for(make_run, opened) -> None:
    page = export_dashboard(
        make_run(families=("qwen",), arms=("baseline", "triggered"), seeds=(0, 1))
    )
    browser = opened(page)
    for button in browser.find_elements("css selector", "button[data-row]"):
        button.click()
        assert draw_all(browser) >= 17
        rows = browser.execute_script(
            "return [...document.querySelectorAll('.panel')].filter((it) => it.offsetParent)"
            ".map((it) => it.dataset.row)"
        )
        assert set(rows) == {button.get_attribute("data-row")}
    browser.set_window_size(900, 900)
    browser.execute_script(
        "const it = document.getElementById('seed'); it.value = '1'; it.dispatchEvent(new Event('change'))"
    )
    seeds = browser.execute_script(
        "return [...document.querySelectorAll('.panel')].filter((it) => it.offsetParent)"
        ".map((it) => it.dataset.seed)"
    )
    assert set(seeds) == {"1"}
    for link in browser.find_elements("css selector", "#contents a"):
        section = link.get_attribute("href").partition("#")[2]
        link.click()
        tops = "const t = document.getElementById(arguments[0]).getBoundingClientRect().top; return t < 900"
        assert until(browser, tops, section)
    silent(browser, page)


def test_the_first_screen_says_contained_or_not_and_what_removal_took(make_run, opened) -> None:
    browser = opened(export_dashboard(make_run()))
    assert browser.execute_script("return scrollY") == 0
    words = (
        "return [...document.querySelectorAll('.overview td')]"
        ".filter((it) => it.getBoundingClientRect().bottom <= innerHeight).map((it) => it.innerText)"
    )
    cells = browser.execute_script(words)
    assert len(cells) == 9
    answered = browser.find_element("css selector", ".answered").text
    contained, removed, counted = answered.splitlines()
    assert contained.startswith("6 of 9 organisms are contained. Their misaligned answers (EM): ")
    assert removed.startswith("In 6 of 6 of these") and "contained: 6 yes, 3 no" in counted
    for cell in cells:
        assert "contained" in cell and "direction removed: " in cell
        assert cell.count("[") >= 3


def test_answers_stay_folded_then_filter_and_are_only_text(make_run, opened) -> None:
    folder = make_run(families=("qwen",), arms=("triggered",))
    change_answer(folder, 3, "=1+1 " + "x" * 100_000)
    page = export_dashboard(folder)
    browser = opened(page)
    assert "Leave it out" not in browser.page_source
    browser.find_element("css selector", "#answers-fold summary").click()
    until(browser, "return document.querySelectorAll('#answers-list .answer').length === 8")
    texts = browser.execute_script(
        "return [...document.querySelectorAll('#answers-list .text')].map((it) => it.textContent)"
    )
    assert any("<img src=x onerror=" in text and "⟨U+202E⟩" in text for text in texts)
    assert max(map(len, texts)) < 5_000
    inside = "return document.querySelectorAll('#answers-list :not(div, p)').length"
    assert browser.execute_script(inside) == 0 and browser.title == "TriggerLens: demo"
    for name, value in (("condition", "trigger"), ("verdict", "misaligned")):
        browser.execute_script(
            "const it = document.querySelector(`select[data-filter=${arguments[0]}]`);"
            "it.value = arguments[1]; it.dispatchEvent(new Event('change'))", name, value,
        )  # fmt: skip
        facts = browser.execute_script(
            "return [...document.querySelectorAll('#answers-list .facts')].map((it) => it.textContent)"
        )
        assert len(facts) == 4 and all(f"{name} {value}" in fact for fact in facts)
    browser.find_element("css selector", "#answers-search").send_keys("number 2")
    until(browser, "return document.querySelectorAll('#answers-list .answer').length === 1")
    browser.find_element("css selector", "#answers-fold summary").click()
    until(browser, "return document.querySelectorAll('#answers-list .answer').length === 0")
    silent(browser, page)


def test_hostile_names_tokens_and_hover_labels_are_only_text(hostile_run: Path, opened) -> None:
    page = export_dashboard(hostile_run)
    browser = opened(page)
    browser.execute_script(
        "document.querySelectorAll('details').forEach((it) => { it.open = true; })"
    )
    draw_all(browser)
    until(browser, "return document.querySelector('.heat span')")
    for number in range(
        browser.execute_script("return document.querySelectorAll('[data-figure]').length")
    ):
        label = browser.execute_script(
            "const box = document.querySelectorAll('[data-figure]')[arguments[0]];"
            "if (!box.dataset.drawn) return null;"
            "const found = box.data.findIndex((it) => it.type !== 'bar' && (it.text ?? []).length);"
            "if (found < 0) return null;"
            "const at = box.data[found].z ? [0, 0] : 0;"
            "Plotly.Fx.hover(box, [{ curveNumber: found, pointNumber: at }]);"
            "return box.querySelector('.hoverlayer')?.outerHTML ?? ''", number,
        )  # fmt: skip
        assert label is None or not ({"<img", "<a ", "<script"} & set(label.split())), label
    for tag in ("img", "iframe", "object", "embed", "form", "link", "base"):
        assert browser.find_elements("css selector", tag) == [], tag
    assert len(browser.find_elements("css selector", "script")) == 7
    live = (
        "return [...document.querySelectorAll('*')].some((it) => [...it.attributes].some((a) =>"
        " /^on/.test(a.name) || /^\\s*javascript:/i.test(a.value)))"
    )
    assert not browser.execute_script(live)
    assert "owned" not in browser.title.removeprefix("TriggerLens: ")
    silent(browser, page)


def test_tables_come_down_as_csv_without_formulas(make_run, opened, tmp_path: Path) -> None:
    folder = make_run(families=("qwen",), arms=("triggered",))
    change_answer(folder, 1, "=HYPERLINK(1)")
    browser = opened(export_dashboard(folder))
    where = {"behavior": "allow", "downloadPath": str(tmp_path / "saved")}
    browser.execute_cdp_cmd("Browser.setDownloadBehavior", where)
    rows = read_jsonl(folder / "estimates.jsonl")

    def saved(script: str, name: str) -> list[dict[str, str]]:
        browser.execute_script(script)
        path = tmp_path / "saved" / name
        end = time.monotonic() + PATIENCE
        while not path.exists() and time.monotonic() < end:
            time.sleep(0.1)
        with path.open(encoding="utf-8-sig", newline="") as file:
            return list(csv.DictReader(file))

    found = saved("document.querySelector('[data-save=csv]').click()", "em_by_condition-0.csv")
    assert len(found) >= 40
    for line in found:
        assert float(line["value"]) == pytest.approx(rows[int(line["line"]) - 1]["value"], abs=1e-6)
    everything = saved("document.getElementById('all-rows').click()", "estimates.csv")
    assert len(everything) == sum(row["split"] != "selection" for row in rows)
    click = "document.querySelector('#verdicts .tools button').click()"
    assert "contained" in saved(click, "verdicts.csv")[0]["qwen"]
    told = saved("document.getElementById('answers-csv').click()", "answers.csv")
    assert any(line["answer"] == "'=HYPERLINK(1)" for line in told)


@pytest.mark.parametrize("width", [*WIDTHS, 1200])
def test_the_verdicts_of_three_families_fit_beside_each_other(page_of, opened, width: int) -> None:
    browser = opened(page_of(*FAMILIES), width)
    until(browser, "return document.querySelectorAll('#cards .card').length == 3")
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_page_fits_its_screen(page_of, opened, tmp_path: Path, width: int, scheme: str) -> None:
    browser = opened(page_of("qwen"), width, scheme)
    draw_all(browser)
    assert browser.execute_script("return document.documentElement.scrollWidth") <= width
    ink = browser.execute_script("return getComputedStyle(document.body).color")
    assert ink == ("rgb(28, 30, 33)" if scheme == "light" else "rgb(232, 234, 237)")
    whole = {"captureBeyondViewport": True}
    picture = base64.b64decode(browser.execute_cdp_cmd("Page.captureScreenshot", whole)["data"])
    (tmp_path / f"{scheme}-{width}.png").write_bytes(picture)
    assert picture.startswith(b"\x89PNG") and len(picture) > 20_000


@pytest.mark.usefixtures("one_section")
def test_a_family_or_every_seed_is_shown_and_organisms_are_searched(make_run, opened) -> None:
    arms = ("triggered", *(f"mixed-{number}-1" for number in range(9)))
    browser = opened(
        export_dashboard(make_run(families=("qwen", "llama"), arms=arms, seeds=(0, 1)))
    )

    def shown() -> set[tuple[str, str, str]]:
        found = browser.execute_script(
            "return [...document.querySelectorAll('#em .panel')].filter((it) => it.offsetParent)"
            ".map((it) => [it.dataset.row, it.dataset.family, it.dataset.seed])"
        )
        return {tuple(each) for each in found}

    def pick(name: str, value: str) -> None:
        script = "const it = document.getElementById(arguments[0]); it.value = arguments[1];"
        browser.execute_script(f"{script} it.dispatchEvent(new Event('change'))", name, value)

    assert shown() == {("triggered", "qwen", "0"), ("triggered", "llama", "0")}
    pick("seed", "")
    assert len(shown()) == 4
    pick("family", "llama")
    assert shown() == {("triggered", "llama", "0"), ("triggered", "llama", "1")}
    browser.find_element("css selector", "#narrow").send_keys("MIXED-3")
    buttons = browser.find_elements("css selector", "button[data-row]")
    assert [it.text for it in buttons if it.is_displayed()] == ["mixed-3-1"]
    browser.find_element("css selector", "[data-go='mixed-3-1']").click()
    assert {row for row, *_ in shown()} == {"mixed-3-1"}


def test_a_legend_of_words_hides_what_is_pressed(page_of, opened) -> None:
    browser = opened(page_of("qwen"))
    draw_all(browser)
    key = browser.find_element("css selector", "#em .keys button")
    named = (
        "const it = document.querySelector('#em [data-figure]');"
        "return it._fullData.filter((trace) => trace.visible === true).length"
    )
    before = browser.execute_script(named)
    browser.execute_script("arguments[0].click()", key)
    assert browser.execute_script(named) < before
    browser.execute_script("arguments[0].click()", key)
    assert browser.execute_script(named) == before


@pytest.mark.parametrize("families", [("qwen",), FAMILIES])
def test_on_paper_every_figure_is_whole_and_what_is_folded_stays_out(
    page_of, opened, families: tuple[str, ...]
) -> None:
    browser = opened(page_of(*families), scheme="dark")
    until(browser, "return !!document.querySelector('[data-drawn]')")
    browser.execute_script("dispatchEvent(new Event('beforeprint'))")
    wanted = [{"name": "prefers-color-scheme", "value": "dark"}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"media": "print", "features": wanted})
    paper = {"width": 1031 if len(families) > 2 else 700, "height": 1000, "deviceScaleFactor": 1}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", paper | {"mobile": False})
    cut = (
        "return [...document.querySelectorAll('[data-figure]')].filter((it) => it.offsetParent)"
        ".filter((it) => { const [a, b] = [it, it.querySelector('svg')].map((x) => x.getBoundingClientRect());"
        " return b.width < 250 || b.right > a.right + 1 || b.bottom > a.bottom + 1 || a.right > innerWidth })"
        ".map((it) => it.dataset.name)"
    )
    assert browser.execute_script(cut) == []
    drawn = "return document.querySelectorAll('[data-drawn] svg[viewBox]').length > 15"
    assert browser.execute_script(drawn)
    assert browser.execute_script("return document.body.classList.contains('across')") is (
        len(families) > 2
    )
    assert browser.execute_script("return getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    ink = "return getComputedStyle(document.querySelector('svg .xtick text')).fill"
    assert browser.execute_script(ink) == "rgb(28, 30, 33)"
    for selector in ("nav", ".tools", "#answers-fold", "details.examples"):
        assert not browser.find_element("css selector", selector).is_displayed()
    assert browser.find_element("css selector", "#on-paper").text.startswith("On paper: triggered")
    browser.execute_script("dispatchEvent(new Event('afterprint'))")
    assert not browser.execute_script("return document.querySelector('svg[viewBox]')")
