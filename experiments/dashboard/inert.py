"""Put untrusted text into the page so that it is shown but never interpreted.

`experiments.results.format.inert` makes hidden characters visible; the template escapes whatever it prints, and
`markup` escapes for Plotly.
"""

import base64
import gzip
import html
import json
from importlib import resources
from typing import Any

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from experiments.runtime.untrusted_text import LONGEST, inert

LONG = 200_000  # characters of a configuration that are shown, at most


def markup(text: object, longest: int = LONGEST) -> str:
    """Text for Plotly's titles, ticks and hovers, which interpret a subset of HTML."""
    return html.escape(inert(text, longest))


def render(template: str, **values: Any) -> str:
    """A template of this package, filled in; every value except `Markup` is made inert and escaped."""
    environment = Environment(
        autoescape=True,
        finalize=_finalize,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["long"] = lambda text: Markup(markup(text, LONG))
    return environment.from_string(page_part(template)).render(values)


def _finalize(value: object) -> object:
    return value if isinstance(value, Markup) else inert(value)


def page_part(name: str) -> str:
    """The text of a file of this package."""
    return (resources.files(__package__ or "") / name).read_text(encoding="utf-8")


def packed_json(value: Any) -> Markup:
    """JSON, gzipped, in base64: a tenth of the size, and without characters that are special in HTML."""
    return packed(json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")))


def packed(text: str) -> Markup:
    """Text, gzipped, in base64."""
    return Markup(base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode())
