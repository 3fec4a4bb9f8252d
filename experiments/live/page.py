"""The layout of the page: three columns, a question with wordings as buttons, the edit's controls.

Computations are in `experiments.live.organism`, and all HTML is made in `experiments.live.marks`.
"""

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

from experiments.live import marks
from experiments.live.conversation import COLUMNS, EDITED, Conversation, Edit, Sampling, worded
from experiments.live.organism import Organism
from experiments.runtime.extras import require
from experiments.runtime.untrusted_text import inert
from interp.errors import TriggerLensError

if TYPE_CHECKING:
    import gradio

MOST_DOSE = 2.0  # median residual norms, in either direction
BUTTON = 60  # characters of a wording on its button
COMPUTES: dict[
    str, Any
] = {  # for every event that asks the model: one at a time, and without a public API
    "concurrency_id": "model",
    "concurrency_limit": 1,
    "api_visibility": "private",
    "show_progress": "minimal",
}


def blocks(organism: Organism, sampling: Sampling = Sampling()) -> "gradio.Blocks":  # noqa: B008
    """The page of an organism, not yet served (see `experiments.live.serve`)."""
    gr = gradio_here()
    shown = Shown(organism)
    with gr.Blocks(title="TriggerLens live", analytics_enabled=False, fill_width=True) as page:
        chats = gr.State(Conversation())
        gr.HTML(f"<h2 class='tl-title'>{marks.safe(organism.lm.name)}</h2>")
        question, ask, follow = _question(gr, organism)
        edit = _edit_controls(gr, organism)
        error = gr.HTML(elem_id="tl-error")
        with gr.Row(equal_height=True):
            columns = [gr.HTML(min_width=250) for _ in COLUMNS]
        legend = gr.HTML()
        drawn = _sampling_controls(gr, sampling)
        seen = [chats, *columns, legend, error]
        inputs = [chats, question, *edit, *drawn]
        gr.on([ask.click, question.submit], shown.anew, inputs, seen, **COMPUTES)
        follow.click(shown.on, inputs, seen, **COMPUTES)
        for control in edit:
            control.change(shown.edited, inputs, seen, trigger_mode="always_last", **COMPUTES)
        page.load(shown.edited, inputs, seen, **COMPUTES)
    return page


def gradio_here() -> Any:
    """The library of the page; an error of one line if the extra is not installed."""
    require("live", "a live page")
    import gradio

    return gradio


class Shown:
    """The page's event handlers: from the values of its controls to what it shows."""

    def __init__(self, organism: Organism):
        self.organism = organism

    def anew(self, _: Conversation, question: str, *controls: Any) -> Iterator[tuple[Any, ...]]:
        """Ask in a new chat."""
        yield from self.on(Conversation(), question, *controls)

    def on(self, chats: Conversation, question: str, *controls: Any) -> Iterator[tuple[Any, ...]]:
        """Ask in the same chat, column by column."""
        edit, sampling = _read(*controls)
        try:
            yield self._seen(chats.then(question), edit)
            for answered in self.organism.ask(chats, question, edit, sampling):
                yield self._seen(answered, edit)
        except TriggerLensError as refused:
            yield self._seen(chats, edit, str(refused))

    def edited(self, chats: Conversation, _: str, *controls: Any) -> tuple[Any, ...]:
        """Answer the last question again under another edit."""
        edit, sampling = _read(*controls)
        try:
            if EDITED in chats.answers:
                chats = self.organism.again(chats, EDITED, edit, sampling)
        except TriggerLensError as refused:
            return self._seen(chats, edit, str(refused))
        return self._seen(chats, edit)

    def _seen(self, chats: Conversation, edit: Edit, error: str = "") -> tuple[Any, ...]:
        monitor = self.organism.monitor
        columns = [
            marks.column_html(name, chats, edit, edit.direction, monitor) for name in COLUMNS
        ]
        legend = marks.legend(chats, edit.direction, self.organism.directions, monitor)
        return chats, *columns, legend, marks.said(error)


def _read(*controls: Any) -> tuple[Edit, Sampling]:
    """The values of the controls, in the order of the page."""
    direction, dose, ablate, adapter, control, tokens, temperature, seed = controls
    edit = Edit(direction, dose, ablate, adapter, control)
    return edit, Sampling(int(tokens), temperature, int(seed))


def _question(gr: Any, organism: Organism) -> tuple[Any, Any, Any]:
    """The question, with a button for each wording, and the two buttons that ask it."""
    with gr.Row():
        question = gr.Textbox(
            label="Question", lines=2, max_lines=6, scale=5, elem_id="tl-question", min_width=300
        )
        with gr.Column(min_width=180, scale=1):
            ask = gr.Button("Ask", variant="primary", elem_id="tl-ask")
            follow = gr.Button("Ask in the same chat", size="md", elem_id="tl-follow")
    with gr.Row(elem_classes="tl-wordings"):
        kind = ""
        for name, framing in organism.wordings.items():
            if name.partition(":")[0] != kind:
                kind = name.partition(":")[0]
                gr.HTML(f"<span>{marks.safe(kind)}</span>", min_width=10)
            text = framing.text or "no wording"
            short = text if len(text) <= BUTTON else f"{text[: BUTTON - 1]}…"
            button = gr.Button(inert(short), size="sm", min_width=10)
            button.click(_putting(organism, name), question, question, api_visibility="private")
    return question, ask, follow


def _putting(organism: Organism, name: str) -> Callable[[str], str]:
    """A handler that adds the wording to the question."""
    return lambda text: worded(organism.wordings, name, text or "")


def _edit_controls(gr: Any, organism: Organism) -> list[Any]:
    names = list(organism.directions)
    with gr.Row(elem_id="tl-edit"):
        direction = gr.Dropdown(
            names, value=names[0], label="Direction for the colours and the edit"
        )
        dose = gr.Slider(
            -MOST_DOSE,
            MOST_DOSE,
            0,
            step=0.05,
            label="Dose, in median residual norms",
            elem_id="tl-dose",
        )
        with gr.Column(min_width=220):
            ablate = gr.Checkbox(label="Remove it after every layer (no dose)", elem_id="tl-ablate")
            adapter = gr.Checkbox(True, label="Adapter on", elem_id="tl-adapter")
            control = gr.Checkbox(
                label="Use a random direction instead (control)", elem_id="tl-control"
            )
    ablate.change(
        lambda removed: gr.update(interactive=not removed), ablate, dose, api_visibility="private"
    )
    return [direction, dose, ablate, adapter, control]


def _sampling_controls(gr: Any, sampling: Sampling) -> list[Any]:
    with gr.Accordion("Sampling", open=False), gr.Row():
        tokens = gr.Slider(
            1, 512, sampling.max_new_tokens, step=1, label="Maximum tokens of an answer"
        )
        temperature = gr.Slider(0, 2, sampling.temperature, step=0.1, label="Temperature")
        seed = gr.Number(sampling.seed, precision=0, label="Seed, the same for all three models")
    return [tokens, temperature, seed]
