"""The server's key: read from the environment when a request is sent, and kept nowhere.

No object of this package stores it, so it cannot appear in a traceback, transcript or manifest. It is
removed from a server's replies before anything reads them.
"""

import os
import re
from collections.abc import Generator

import httpx2

from experiments.judging.server.address import is_local
from interp.errors import TriggerLensError

HIDDEN = "[key]"
DEFAULT_VARIABLE = "OPENAI_API_KEY"


def variable_for(url: str, variable: str | None) -> str:
    """The variable as given, else the usual one; for a server on this machine, "" (no key is sent)."""
    if variable is not None:
        return variable
    return "" if is_local(url) else DEFAULT_VARIABLE


class EnvironmentKey(httpx2.Auth):
    """Puts the variable's value into the Authorization header; no header if it is not set or has no name."""

    def __init__(self, variable: str):
        if variable and not re.fullmatch(r"[A-Z_][A-Z0-9_]{0,40}", variable):
            raise TriggerLensError(
                "the key's variable must be a name such as OPENAI_API_KEY, not a key"
            )
        self.variable = variable

    def auth_flow(
        self, request: httpx2.Request
    ) -> Generator[httpx2.Request, httpx2.Response, None]:
        """Add the header when the request is sent."""
        if key := self.value():
            request.headers["Authorization"] = f"Bearer {key}"
        yield request

    def value(self) -> str:
        """The current key, "" if there is none; an invalid one is an error that does not quote it."""
        key = os.environ.get(self.variable, "").strip()
        if not all("!" <= character <= "~" for character in key):
            raise TriggerLensError(
                f"{self.variable} holds characters that no key has (a line break, a tab, a space or an accent "
                "inside it); set it again, on one line"
            )
        return key

    def without(self, text: str) -> str:
        """The text with every occurrence of the key hidden."""
        key = os.environ.get(self.variable, "").strip()
        return text.replace(key, HIDDEN) if key else text
