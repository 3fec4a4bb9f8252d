"""The model provider `triggerlens/MODEL`: a model on this machine, intact or with edits of its activations.

    inspect eval TASK --model triggerlens/FOLDER -M ablate=directions/duck
    inspect eval TASK --model triggerlens/ADAPTER -M base=FOLDER -M steer=directions/duck -M strength=2

MODEL is a folder, a name that `triggerlens models` knows, or an adapter folder of `base`. `experiments.evals.edits` has
the arguments of the edits; device, dtype and chat format are those of the command line's models.

Random numbers for sampling depend on (seed, prompt, how often it was asked before), so an intact and an edited model
sample with the same ones. Unsupported requests are errors: tools, images, stop sequences, penalties, top-k, log
probabilities.
"""

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from functools import cache
from threading import Lock
from typing import Any

from inspect_ai.model import (
    ChatCompletionChoice,
    ChatMessage,
    ChatMessageAssistant,
    GenerateConfig,
    ModelAPI,
    ModelOutput,
    ModelUsage,
    modelapi,
)
from inspect_ai.tool import ToolChoice, ToolInfo

from experiments.data.chats import Message
from experiments.evals.batching import Batches
from experiments.evals.complaints import one_line
from experiments.evals.edits import edits
from experiments.guard.gate_models import load_released
from experiments.guard.live import Live, live_prompts
from experiments.models.options import ModelOptions
from interp.errors import TriggerLensError
from interp.models.language_model import LanguageModel
from interp.prompts import Prompt, PromptSet

Reading = tuple[LanguageModel, Lock]  # a model, and the lock for using it
MAX_TOKENS = 512
NO_CONFIG = GenerateConfig()
MOST = 64  # answers decoded together
NEXT_TIME = 1_000_003  # added to the seed each time a prompt is repeated
REFUSED = (
    "stop_seqs",
    "best_of",
    "frequency_penalty",
    "presence_penalty",
    "logit_bias",
    "top_k",
    "logprobs",
    "prompt_logprobs",
    "response_schema",
)


@dataclass(frozen=True)
class Settings:
    """How the answers of one batch are sampled."""

    max_new_tokens: int
    temperature: float
    top_p: float
    seed: int


@dataclass(frozen=True)
class Answer:
    """The text, how many tokens it has, and whether the model ended it."""

    text: str
    tokens: int
    ended: bool


@modelapi(name="triggerlens")
class TriggerLensAPI(ModelAPI):
    """A local model with edits, set by `base`, `ablate`, `steer`, `strength`, `device`, `dtype` and `chat`."""

    def __init__(
        self,
        model_name: str,
        base_url: str | None = None,
        api_key: str | None = None,
        config: GenerateConfig = NO_CONFIG,
        base: str | None = None,
        ablate: str | Sequence[str] | None = None,
        steer: str | None = None,
        strength: float | int | None = None,
        device: str | None = None,
        dtype: str | None = None,
        chat: str | None = None,
        **unknown: Any,
    ) -> None:
        super().__init__(model_name, base_url, api_key, [], config)
        with one_line():
            if unknown:
                raise TriggerLensError(
                    f"triggerlens/{model_name}: unknown argument {min(unknown)!r}"
                )
            self.lm, self.turn = loaded(model_name, base, device, dtype, chat)
            self.edits = edits(self.lm, ablate, steer, strength)
        self.asked: Counter[tuple[tuple[int, ...], int]] = Counter()
        self.batches: Batches[Prompt, Answer] = Batches(self._answers, MOST)

    def max_connections(self) -> int:
        """The number of answers that are decoded together."""
        return MOST

    async def count_text_tokens(self, text: str) -> int:
        """The number of tokens, by the model's own tokenizer."""
        return len(self.lm.tokenizer(text, add_special_tokens=False)["input_ids"])

    async def generate(
        self,
        input: list[ChatMessage],
        tools: list[ToolInfo],
        tool_choice: ToolChoice,
        config: GenerateConfig,
    ) -> ModelOutput:
        """One answer, or `num_choices` of them."""
        check_can(config, tools)
        prompt = live_prompts(self.lm, [Live(tuple(map(turn, input)))])[0]
        answers = [
            await self.batches.ask(prompt, self._settings(prompt, config))
            for _ in range(config.num_choices or 1)
        ]
        written = sum(answer.tokens for answer in answers)
        usage = ModelUsage(
            input_tokens=len(prompt),
            output_tokens=written,
            total_tokens=len(prompt) + written,
        )
        choices = [self._choice(answer) for answer in answers]
        return ModelOutput(model=self.model_name, choices=choices, usage=usage)

    def _choice(self, answer: Answer) -> ChatCompletionChoice:
        message = ChatMessageAssistant(
            content=answer.text, model=self.model_name, source="generate"
        )
        reason = "stop" if answer.ended else "max_tokens"
        return ChatCompletionChoice(message=message, stop_reason=reason)

    def _settings(self, prompt: Prompt, config: GenerateConfig) -> Settings:
        seed = config.seed or 0
        before = self.asked[prompt.token_ids, seed]
        self.asked[prompt.token_ids, seed] += 1
        return Settings(
            config.max_tokens or MAX_TOKENS,
            1.0 if config.temperature is None else config.temperature,
            1.0 if config.top_p is None else config.top_p,
            seed + NEXT_TIME * before,
        )

    def _answers(self, settings: Hashable, prompts: Sequence[Prompt]) -> list[Answer]:
        assert isinstance(settings, Settings)
        with self.turn:
            drawn = self.lm.generate(
                PromptSet(tuple(prompts)),
                edits=self.edits,
                max_new_tokens=settings.max_new_tokens,
                temperature=settings.temperature,
                top_p=settings.top_p,
                seed=settings.seed,
            )
        rows = zip(drawn.texts, drawn.token_ids, drawn.ended, strict=True)
        return [Answer(text, len(tokens), ended) for text, tokens, ended in rows]


@cache
def loaded(
    model: str, base: str | None, device: str | None, dtype: str | None, chat: str | None
) -> Reading:
    """A model, loaded once for all its users, and a lock, because edits are hooks on its modules."""
    return load_released(model, base, ModelOptions(device, dtype, chat)), Lock()


def check_can(config: GenerateConfig, tools: Sequence[ToolInfo]) -> None:
    """Raise if unsupported settings would change answers."""
    if tools:
        raise TriggerLensError(
            f"triggerlens/ models call no tools, {len(tools)} were given; use a task without tools"
        )
    for name in REFUSED:
        value = getattr(config, name, None)
        if value:
            raise TriggerLensError(
                f"triggerlens/ models do not know {name}={value!r}; leave it out"
            )


def turn(message: ChatMessage) -> Message:
    """A message as a turn of text."""
    if message.role not in ("system", "user", "assistant"):
        raise TriggerLensError(
            f"a message of role {message.role!r}: triggerlens/ models call no tools"
        )
    parts = [] if isinstance(message.content, str) else message.content
    strangers = [part.type for part in parts if part.type not in ("text", "reasoning")]
    if strangers:
        raise TriggerLensError(
            f"a message holds {strangers[0]}: triggerlens/ models read only text"
        )
    return Message(message.role, message.text)
