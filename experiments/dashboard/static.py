"""Figures as separate files (SVG, PNG or PDF), with the extra `triggerlens[figures]` (kaleido).

kaleido draws in a Chrome or Chromium of this machine and asks for no network.
"""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import plotly.graph_objects as go

from experiments.dashboard.missing import Missing
from experiments.dashboard.sections import SECTIONS
from experiments.results.load import OrganismResults, load_run
from experiments.runtime.extras import require
from interp.errors import TriggerLensError

FORMATS = ("svg", "png", "pdf")
WIDTH = 640  # pixels


def every_figure(results: OrganismResults) -> Iterator[tuple[str, go.Figure]]:
    """Name and figure of everything that was measured for this organism."""
    for section in SECTIONS:
        for name, draw in section.figures.items():
            figure = draw(results)
            if not isinstance(figure, Missing):
                yield name, figure


def save_figure(figure: go.Figure, path: Path | str) -> Path:
    """Write one figure; the ending of the path sets the format. Raises TriggerLensError without the extra."""
    path = Path(path)
    if path.suffix.removeprefix(".") not in FORMATS:
        raise TriggerLensError(f"{path} ends in no format; give one of .{', .'.join(FORMATS)}")
    require("figures", f"a figure as {path.suffix[1:]}")
    path.parent.mkdir(parents=True, exist_ok=True)
    printed = go.Figure(figure).update_layout(paper_bgcolor="white", width=WIDTH)
    lines = str(printed.layout.title.text or "").count("<br>") + 1
    above = 70 + 18 * lines  # the title, and the legend under it
    printed.update_layout(
        title={"y": 0.985, "yref": "container", "yanchor": "top", "pad": {"t": 12}},
        margin={"t": above, "b": 48},
        height=printed.layout.height + above - 30,
    )
    try:
        path.write_bytes(printed.to_image(format=path.suffix[1:], scale=2))
    except Exception as error:
        what = type(error).__name__
        if not any(word in what for word in ("Chrome", "Browser", "Timeout")):
            raise
        raise TriggerLensError(
            f"kaleido could not start Chrome or Chromium ({what}); install one (Debian: apt install"
            " chromium), or try again when the machine is less busy"
        ) from error
    return path


def save_figures(run: Path | str, folder: Path | str, *, form: str = "svg") -> list[Path]:
    """Write every figure of every organism of a run as FOLDER/ORGANISM/NAME.svg."""
    require("figures", f"a figure as {form}")
    organisms = load_run(run).organisms()
    with _one_browser():
        return [
            save_figure(figure, Path(folder) / _file_name(of.organism.name) / f"{name}.{form}")
            for of in organisms
            for name, figure in every_figure(of)
        ]


@contextmanager
def _one_browser() -> Iterator[None]:
    """Keep one browser open; otherwise kaleido starts one for each figure."""
    import kaleido

    kaleido.start_sync_server(silence_warnings=True)
    try:
        with warnings.catch_warnings():  # Plotly passes options that an open browser ignores
            warnings.filterwarnings("ignore", message="The kopts argument")
            yield
    finally:
        kaleido.stop_sync_server(silence_warnings=True)


def _file_name(name: str) -> str:
    return re.sub(r"[^A-Za-z0-9_.-]+", "_", name).strip("_.") or "organism"
