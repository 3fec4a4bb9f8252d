"""Serve a page to this machine only: 127.0.0.1, no public link, no telemetry, no network.

A page from another address in the same browser cannot read it, not even through a host name that points to this
machine: only requests for this machine's own names are answered. A content-security policy keeps the page from loading
anything else.
"""

import os
import socket
from typing import TYPE_CHECKING, Any

from experiments.live.page import gradio_here
from interp.errors import TriggerLensError

if TYPE_CHECKING:
    import gradio

HOST = "127.0.0.1"
PORT = 7860
FONTS = ["system-ui", "sans-serif"]  # local ones; the library's own would be downloaded
POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline';"
    " img-src 'self' data: blob:; font-src 'self' data:; worker-src 'self' blob:; form-action 'none';"
    " base-uri 'self'; object-src 'none'"
)
CSS = """
.tl-title { font-size: 1.05rem; margin: 0; overflow-wrap: anywhere; }
.tl-column { height: 100%; border: 1px solid var(--border-color-primary); border-radius: 8px; padding: 12px; }
.tl-column h3 { margin: 0; }
.tl-does, .tl-wait, .tl-cut, .tl-legend { opacity: .75; font-size: .85rem; margin: 2px 0 8px; overflow-wrap: anywhere; }
.tl-read, .tl-said { white-space: pre-wrap; overflow-wrap: anywhere; line-height: 1.7; }
.tl-read { font-size: .85rem; max-height: 40vh; overflow: auto; }
.tl-said { font-size: 1.05rem; border-top: 1px solid var(--border-color-primary); margin-top: 8px; padding-top: 8px; }
.tl-read span, .tl-said span { border-radius: 3px; }
.tl-format { opacity: .45; font-size: .75em; }
.tl-monitor { margin: 8px 0 0; padding: 2px 8px; border-radius: 4px; border-left: 6px solid rgb(44,105,176); }
.tl-monitor[data-flagged=True] { border-color: rgb(230,97,1); background: rgba(230,97,1,.18); }
.tl-error { border-left: 6px solid #c62828; padding: 4px 8px; margin: 0; overflow-wrap: anywhere; }
.tl-wordings { align-items: center; justify-content: flex-start; flex-wrap: wrap; gap: 6px; }
.tl-wordings > * { flex: 0 0 auto; width: auto; max-width: 100%; overflow-wrap: anywhere; }
.tl-wordings span { opacity: .75; font-size: .85rem; padding-left: 6px; }
"""


def serve(
    page: "gradio.Blocks", port: int = PORT, *, block: bool = True, inline: bool | None = None
) -> str:
    """Open the page on this machine and return its address; `block` waits for Ctrl-C. An error if the port is taken.

    In a notebook, `block=False` shows it in the cell's output.
    """
    check_port(port)
    os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"
    gr = gradio_here()
    from starlette.middleware import Middleware
    from starlette.middleware.base import BaseHTTPMiddleware
    from starlette.middleware.trustedhost import TrustedHostMiddleware

    only_here = Middleware(TrustedHostMiddleware, allowed_hosts=[HOST, "localhost"])
    nothing_else = Middleware(BaseHTTPMiddleware, dispatch=_with_policy)
    try:
        _, address, _ = type(page).launch(  # the page's own may be this function
            page,
            server_name=HOST,
            server_port=port,
            share=False,
            inline=inline,
            quiet=True,
            prevent_thread_lock=True,
            ssr_mode=False,
            mcp_server=False,
            pwa=False,
            enable_monitoring=False,
            footer_links=[],
            theme=gr.themes.Default(font=FONTS, font_mono=["ui-monospace", "monospace"]),
            css=CSS,
            app_kwargs={"middleware": [only_here, nothing_else]},
        )
    except OSError as error:
        raise _taken(port) from error
    print(f"{address} (this machine only)")
    if block:
        page.block_thread()
    return str(address)


async def _with_policy(request: Any, answer: Any) -> Any:
    response = await answer(request)
    response.headers["Content-Security-Policy"] = POLICY
    return response


def check_port(port: int) -> None:
    """Raise, before a model is loaded, if the port is in use."""
    with socket.socket() as tried:
        tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            tried.bind((HOST, port))
        except OSError as error:
            raise _taken(port) from error


def _taken(port: int) -> TriggerLensError:
    return TriggerLensError(
        f"port {port} of {HOST} is in use or not allowed; give another port with --port"
    )
