"""Makes untrusted text safe to print.

Answers, prompts and names in a run's files are untrusted: they may contain markup, terminal escapes,
characters that change the reading direction, or a hundred kilobytes of anything. `inert` keeps the
words and shows every character without a glyph as its code point.
"""

import unicodedata

LONGEST = 4_000  # characters of one text that are shown
KEPT = {"\n", "\t"}
# Cc control, Cf format (bidirectional, zero-width), Cs unpaired surrogate, Zl and Zp separators
HIDDEN = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def inert(text: object, longest: int = LONGEST) -> str:
    """Plain text with hidden characters shown as U+XXXX, cut to `longest` characters."""
    text = str(text)
    shown = text[:longest]
    if not shown.isprintable():  # most text is printable and stays as it is
        shown = "".join(_visible(character) for character in shown)
    cut = len(text) - longest
    return shown if cut <= 0 else f"{shown} … ({cut:,} more characters)"


def _visible(character: str) -> str:
    if character in KEPT or unicodedata.category(character) not in HIDDEN:
        return character
    return f"⟨U+{ord(character):04X}⟩"
