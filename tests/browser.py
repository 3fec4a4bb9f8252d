"""A headless Chromium for tests: what a page draws, says on its console and asks for.

Needs Debian's packages chromium and chromium-driver (`make browser`); without them its tests are skipped, unless CI is
set: there a browser is required.
"""

import json
import os
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
DRIVER = shutil.which("chromedriver")
FLAGS = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-background-networking")
PATIENCE = 120.0  # seconds: the machine may be busy


def skip_without_browser() -> None:
    """Skip the module that asks, where there is no browser and none is required."""
    if not (BROWSER and DRIVER) and not os.environ.get("CI"):
        pytest.skip("no chromium and chromedriver here: make browser", allow_module_level=True)


@contextmanager
def chromium() -> Iterator[Any]:
    """A driven browser that keeps its console and its requests."""
    assert BROWSER and DRIVER, "CI is set and there is no chromium with its driver: make browser"
    from selenium.webdriver import Chrome, ChromeOptions
    from selenium.webdriver.chrome.service import Service

    options = ChromeOptions()
    options.binary_location = BROWSER
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    for flag in FLAGS:
        options.add_argument(flag)
    driver = Chrome(options=options, service=Service(DRIVER))
    driver.set_script_timeout(PATIENCE)
    try:
        yield driver
    finally:
        driver.quit()


def resize(browser: Any, width: int, scheme: str = "light") -> None:
    """A window of this width that prefers light or dark pages."""
    size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
    wanted = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": wanted})


def until(browser: Any, script: str, *arguments: Any) -> Any:
    """The first true answer of a script; fails where there is none in a long time."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        if found := browser.execute_script(script, *arguments):
            return found
        time.sleep(0.1)
    raise AssertionError(f"never true: {script}")


def requested(browser: Any) -> set[str]:
    """Every address that was asked for since the log was read last, but what the page holds itself."""
    asked = []
    for entry in browser.get_log("performance"):
        told = json.loads(entry["message"])["message"]
        if told["method"] == "Network.requestWillBeSent":
            asked.append(told["params"]["request"]["url"])
    return {url for url in asked if not url.startswith(("data:", "blob:"))}
