"""What a server's refusal means for the other requests, in one line that says what to do."""

import re
from collections.abc import Mapping
from typing import Any

import httpx2

FATAL = {
    401: "it does not accept the key",
    402: "the account cannot pay",
    403: "it forbids this",
}
QUOTED = 200  # characters of a server's complaint
NEVER_NAMED = ("messages", "model")


def complaint(response: httpx2.Response) -> str:
    """The status, and the beginning of what the server said."""
    return f"HTTP {response.status_code}: {' '.join(response.text.split())[:QUOTED]}"


def is_fatal(response: httpx2.Response) -> bool:
    """Whether every other request would fail too."""
    status = response.status_code
    empty = status == 429 and "insufficient_quota" in response.text
    return status in FATAL or status == 404 or 300 <= status < 400 or empty


def fatal_reason(response: httpx2.Response, url: str, model: str, key_variable: str) -> str:
    """What a fatal status means, and the fix; the body is not quoted, because it may contain a key."""
    status = response.status_code
    if status == 404:
        v1 = "" if url.rstrip("/").endswith("/v1") else ", which usually ends in /v1"
        return (
            f"it knows no model {model!r} or no {place(url)}/chat/completions; "
            f"check the model's name and the base URL{v1}"
        )
    if 300 <= status < 400:
        to = _moved_to(url, response.headers.get("location", ""))
        return f"it has moved; give the base URL it has moved to{f', {to}' if to else ''}"
    if status == 429:
        return "the account is empty; pay in, or give the key of another account"
    whose = (
        f"its key is read from {key_variable}" if key_variable else "none was sent to this machine"
    )
    key = f"; {whose} (--key-variable)" if status in (401, 403) else ""
    return f"{FATAL[status]}{key}"


def parameters_named(response: httpx2.Response, body: Mapping[str, Any]) -> list[str]:
    """The parameters that a refusal is about; empty if only this prompt is too long."""
    text = response.text
    if response.status_code not in (400, 422) or "context" in text.lower():
        return []
    sent = [name for name in body if name not in NEVER_NAMED]
    return [name for name in sent if re.search(_mention(name), text)]


def parameter_advice(names: list[str]) -> str:
    """How to leave out or change a parameter that the server does not accept."""
    if any("logprobs" in name for name in names):
        return "ask for fewer candidates with --top-logprobs, or judge with a model that gives token probabilities"
    first = max(names, key=len)
    return f"leave it out with --request {first}=null, or give another value with --request {first}=VALUE"


def place(address: str) -> str:
    """An address without the parts that may contain a secret: user, password, query."""
    url = httpx2.URL(address)
    return f"{url.scheme}://{url.netloc.decode()}{url.path}".rstrip("/")


def _mention(name: str) -> str:
    """A pattern for a parameter's name; a short one, such as n, must be in quotation marks."""
    quoted = rf"[\"'`]{re.escape(name)}[\"'`]"
    return quoted if len(name) < 4 else rf"{quoted}|(?<![\w]){re.escape(name)}(?![\w])"


def _moved_to(address: str, location: str) -> str:
    """The base URL that a redirection names, or ""."""
    if not location:
        return ""
    try:
        return place(str(httpx2.URL(address).join(location))).removesuffix("/chat/completions")
    except httpx2.InvalidURL:
        return ""
