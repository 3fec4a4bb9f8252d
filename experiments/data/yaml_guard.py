"""YAML that is safe to load: not too large, not too deep, and without aliases that expand into millions of items.

The events of the file are counted before any object is built. An alias counts as much as what it stands for, so a
"billion laughs" file is rejected after reading a few kilobytes.
"""

from collections.abc import Iterator
from pathlib import Path

import yaml

from experiments.runtime.complaints import shortened
from interp.errors import TriggerLensError

LARGEST = 2**22  # bytes
DEEPEST = 50
MOST_NODES = 200_000  # with every alias expanded
# the C loader is ten times as fast, if PyYAML was built with it
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def safe_text(path: Path) -> str:
    """The text of a YAML file, or an error of one line that names it."""
    if (size := path.stat().st_size) > LARGEST:
        raise TriggerLensError(f"{path}: {size:,} bytes, more than the {LARGEST:,} that are read")
    try:
        text = path.read_text(encoding="utf-8")
        if fault := next(_faults(text), None):
            raise TriggerLensError(fault)
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        reason = shortened(str(error), 300)
        raise TriggerLensError(f"{path} is not YAML that can be read ({reason})") from error
    return text


def _faults(text: str) -> Iterator[str]:
    nodes = 0
    begun: list[
        tuple[str | None, int]
    ] = []  # anchors of open collections, and the number of nodes before each
    sizes: dict[str, int] = {}
    for event in yaml.parse(text, Loader=LOADER):
        anchor = getattr(event, "anchor", None)
        if isinstance(event, yaml.AliasEvent):
            if any(name == anchor for name, _ in begun):
                yield f"*{anchor} is inside the value that it stands for"
            nodes += sizes.get(str(anchor), 1)
        elif isinstance(event, yaml.ScalarEvent):
            nodes += 1
            if anchor:
                sizes[anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            begun.append((anchor, nodes))
            nodes += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            name, before = begun.pop()
            if name:
                sizes[name] = nodes - before
        if len(begun) > DEEPEST:
            yield f"nested more than {DEEPEST} deep"
        if nodes > MOST_NODES:
            yield f"more than {MOST_NODES:,} items with every alias written out"
