"""Put untrusted text into the page so that it can be read and nothing else.

`experiments.runtime.untrusted_text.inert` has already made hidden characters visible; here the text is escaped for
the place it goes to.
"""

import base64
import gzip
import html
import json
from typing import Any

from experiments.runtime.untrusted_text import LONGEST, inert


def markup(text: object, longest: int = LONGEST) -> str:
    """For HTML, and for Plotly's titles, ticks and hovers, which read a small HTML of their own."""
    return html.escape(inert(text, longest))


def packed_json(value: Any) -> str:
    """JSON, gzipped, in base64: a tenth of the size, and nothing in it means anything to HTML."""
    return packed(json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":")))


def packed(text: str) -> str:
    """Text, gzipped, in base64."""
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()
