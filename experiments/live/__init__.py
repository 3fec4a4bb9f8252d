"""A local page to chat with a base, its organism and the edited organism, side by side.

In a notebook: `live_page("adapter", "BASE", monitor="monitors/tag", trigger="tag").launch()`.
"""

from functools import partial
from typing import TYPE_CHECKING, Any

from experiments.live.serve import serve

if TYPE_CHECKING:
    import gradio

__all__ = ["live_page", "serve"]


def live_page(adapter: str | None = None, base: str | None = None, **files: Any) -> "gradio.Blocks":
    """The page as gradio's Blocks; the arguments are those of `experiments.live.inputs.load_organism`.

    Its `launch` is `serve` without waiting, because gradio's own could make the page public.
    """
    from experiments.live.inputs import load_organism
    from experiments.live.page import blocks, gradio_here

    gradio_here()
    page = blocks(load_organism(adapter, base, **files))
    page.launch = partial(serve, page, block=False)
    return page
