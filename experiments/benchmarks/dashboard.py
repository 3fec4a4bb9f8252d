"""How soon the page of the reference run can be used: seconds until its first figure is drawn, in Chromium.

Method: a new browser for each opening, so that nothing is cached; then the same page again in the same browser. The
page is opened at its first figures. An observer that is installed before the page loads records when the first figure
is drawn, by the page's own clock, which starts when the page is requested. The ratio is the median of first openings
divided by the aim of one second. The record also has the seconds until text is painted, and the processor seconds of
the page's thread until all is quiet. A busy machine lengthens all but the last, so its load is in the record. Needs
`make browser`.
"""

import os
import shutil
from importlib.util import find_spec
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from experiments.benchmarks.paired import record
from experiments.dashboard import export_dashboard
from interp.errors import TriggerLensError

RUN = Path("artifacts/reference/demo_seed0")
OPENINGS, WANTED, PATIENCE = 5, 1.0, 120
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
WATCH = """
window.drawnAt = window.firstAt = 0;
new MutationObserver((changes) => {
  for (const { target } of changes) if (target.dataset?.drawn) {
    window.drawnAt = performance.now();
    window.firstAt ||= window.drawnAt;
  }
}).observe(document, { subtree: true, attributes: true, attributeFilter: ["data-drawn"] });
"""
SETTLED = """
const done = arguments[arguments.length - 1];
const look = () => window.drawnAt && performance.now() - window.drawnAt > 1000
  ? done([window.firstAt, performance.getEntriesByType("paint")[0]?.startTime ?? null]) : setTimeout(look, 100);
look();
"""


def open_page(browser: Any, page: Path) -> tuple[float, float]:
    """Seconds until the first figure is drawn, and until the first paint."""
    browser.get("about:blank")
    browser.get(f"{page.as_uri()}#em")
    drawn, painted = browser.execute_async_script(SETTLED)
    return drawn / 1000, (painted if painted is not None else drawn) / 1000


def thread_seconds(browser: Any) -> float:
    """Processor seconds of the page's main thread."""
    metrics = browser.execute_cdp_cmd("Performance.getMetrics", {})["metrics"]
    return next(each["value"] for each in metrics if each["name"] == "ThreadTime")


def browser() -> Any:
    """A new Chromium without any cache."""
    if find_spec("selenium") is None:  # only for tests, not for the library
        raise TriggerLensError(
            "a browser is driven with selenium, which is not here: make install-dev"
        )
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    found, driver = shutil.which("chromium"), shutil.which("chromedriver")
    if found is None or driver is None:
        raise TriggerLensError("no chromium and chromedriver here: make browser")
    options = webdriver.ChromeOptions()
    options.binary_location = found
    for flag in FLAGS:
        options.add_argument(flag)
    made = webdriver.Chrome(options=options, service=Service(driver))
    made.set_script_timeout(PATIENCE)
    made.set_window_size(1300, 900)
    made.execute_cdp_cmd("Performance.enable", {"timeDomain": "threadTicks"})
    made.execute_cdp_cmd("Page.addScriptToEvaluateOnNewDocument", {"source": WATCH})
    return made


def openings(page: Path, count: int = OPENINGS) -> dict[str, list[float]]:
    """Seconds of first and second openings, drawn and painted."""
    taken: dict[str, list[float]] = {"first": [], "again": [], "painted": [], "thread": []}
    for _ in range(count):
        made = browser()
        try:
            first, painted = open_page(made, page)
            busy = thread_seconds(made)
            again, _ = open_page(made, page)
        finally:
            made.quit()
        for name, seconds in zip(taken, (first, again, painted, busy), strict=True):
            taken[name].append(seconds)
    return taken


def run() -> dict[str, object]:
    """Seconds of first openings divided by the aim."""
    load = os.getloadavg()[0]
    with TemporaryDirectory() as folder:
        page = export_dashboard(RUN, Path(folder) / "page.html")
        taken = openings(page)
        size = page.stat().st_size
    facts = {f"seconds_{name}": median(each) for name, each in taken.items()}
    ratios = [seconds / WANTED for seconds in taken["first"]]
    return record("dashboard_opening", ratios, 1.0, **facts, bytes=size, load=load)
