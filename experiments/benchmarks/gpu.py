"""The three published models on a GPU, with random weights at full size: ours compared with a plain loop.

    LoRA step   eight short rows per step, against the Trainer with the model's own loss
    capture     the last token at every layer, against a forward pass of the decoder that keeps nothing
    patching    the residual stream, every layer and the last tokens, against one hooked forward pass per cell
    sampling    sixteen prompts, against `generate` of transformers
    steering    the same with a direction added at every token, against `generate` with a forward hook

    python -m experiments.benchmarks gpu

Records contain the card, tokens per second and peak memory of both. The work is the same for all models, so on a small
card the benchmark stops at the first model that does not fit, with the records of those before it. Times are clock
times: nothing else may run.
"""

import gc
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor
from transformers import (
    AutoTokenizer,
    Gemma3ForCausalLM,
    Gemma3TextConfig,
    LlamaConfig,
    LlamaForCausalLM,
    Qwen2Config,
    Qwen2ForCausalLM,
)

from experiments.benchmarks import lora_step
from experiments.benchmarks.paired import record
from experiments.benchmarks.random_model import TOKENIZER, random_prompts
from interp.capture.api import capture
from interp.capture.batches import pad_right
from interp.capture.sites import hooked
from interp.directions import unit
from interp.errors import TriggerLensError
from interp.generation.generate import generate
from interp.interventions import Add
from interp.models.loading import LanguageModel, wrap
from interp.patching.maps import patching_maps
from interp.patching.metrics import LogitDifference
from interp.patching.pairs import Pair, aligned
from interp.prompts import PromptSet

ONLY_WHEN_NAMED = True
TURNS, PROMPTS, NEW = 3, 16, 64
PAIR_TOKENS, PATCHED, PAIRS = 40, 4, 4
METRIC = LogitDifference((100,), (200,))
AS_FAST, CAPTURE = 1 / 0.97, 1.05
Sizes = Mapping[str, Any]
Work = Mapping[str, Callable[[], object]]  # "ours" and "plain"

MODELS: dict[str, tuple[Any, Any, Sizes]] = {
    "Llama-3.1-8B": (
        LlamaConfig,
        LlamaForCausalLM,
        {
            "vocab_size": 128_256,
            "hidden_size": 4096,
            "intermediate_size": 14_336,
            "num_hidden_layers": 32,
            "num_attention_heads": 32,
            "num_key_value_heads": 8,
        },
    ),
    "Gemma-3-12B": (
        Gemma3TextConfig,
        Gemma3ForCausalLM,
        {
            "vocab_size": 262_208,
            "hidden_size": 3840,
            "intermediate_size": 15_360,
            "num_hidden_layers": 48,
            "num_attention_heads": 16,
            "num_key_value_heads": 8,
            "head_dim": 256,
        },
    ),
    "Qwen2.5-14B": (
        Qwen2Config,
        Qwen2ForCausalLM,
        {
            "vocab_size": 152_064,
            "hidden_size": 5120,
            "intermediate_size": 13_824,
            "num_hidden_layers": 48,
            "num_attention_heads": 40,
            "num_key_value_heads": 8,
        },
    ),
}


def run() -> Iterator[dict[str, object]]:
    """Every model in turn, smallest first; TriggerLensError without a GPU."""
    if not torch.cuda.is_available():
        raise TriggerLensError(
            "gpu: torch finds no GPU here; this benchmark needs one of 40 GB or more"
        )
    for name in MODELS:
        yield from measured(name, random_weights(name, "cuda"))
        free_memory()


def random_weights(
    name: str, device: str, dtype: torch.dtype = torch.bfloat16, **sizes: Any
) -> LanguageModel:
    """The named model with random weights; `sizes` replace its own."""
    config, model, own = MODELS[name]
    torch.manual_seed(0)
    with torch.device(device):
        made = model._from_config(config(**{**own, **sizes}), dtype=dtype)
    return wrap(made.eval(), AutoTokenizer.from_pretrained(TOKENIZER), name=name)


def measured(name: str, lm: LanguageModel) -> Iterator[dict[str, object]]:
    """A record for each kind of work."""
    prompts = random_prompts(PROMPTS, 32, 128)
    read = sum(map(len, prompts))
    kinds: dict[str, tuple[Work, int, float]] = {
        "capture": (_capture(lm, prompts), read, CAPTURE),
        "patching": (_patching(lm), PAIRS * PAIR_TOKENS * PATCHED * lm.n_layers, AS_FAST),
        "sampling": (_sampling(lm, prompts), PROMPTS * NEW, AS_FAST),
        "steering": (_steering(lm, prompts), PROMPTS * NEW, AS_FAST),
        "LoRA step": (_lora(lm), 8 * 70 * lora_step.STEPS, AS_FAST),
    }
    for kind, (work, tokens, wanted) in kinds.items():
        yield compared(f"{name}, {kind}", work, tokens, wanted)


def compared(name: str, work: Work, tokens: int, wanted: float) -> dict[str, object]:
    """Ours over the plain loop in turn, after one uncounted turn; also tokens per second and peaks."""
    taken: dict[str, list[float]] = {each: [] for each in work}
    peaks = dict.fromkeys(work, 0.0)
    for turn in range(TURNS + 1):
        for each, thing in work.items():
            with _peak(peaks, each):
                start = time.perf_counter()
                thing()
                _wait()
            if turn:
                taken[each].append(time.perf_counter() - start)
    ratios = [a / b for a, b in zip(taken["ours"], taken["plain"], strict=True)]
    speed = {f"tokens_per_second_{each}": tokens / min(spent) for each, spent in taken.items()}
    memory = {f"peak_gib_{each}": most for each, most in peaks.items()}
    return record(name, ratios, wanted, card=card(), seconds=taken, **speed, **memory)


def card() -> str:
    """The name of the GPU, or "no GPU"."""
    return torch.cuda.get_device_name() if torch.cuda.is_available() else "no GPU"


def free_memory() -> None:
    """Release unreferenced memory before the next model is made."""
    gc.collect()
    torch.cuda.empty_cache()


@contextmanager
def _peak(peaks: dict[str, float], name: str) -> Iterator[None]:
    """Record the peak memory allocated on the GPU inside the context, in GiB."""
    if torch.cuda.is_available():
        torch.cuda.reset_peak_memory_stats()
    yield
    if torch.cuda.is_available():
        peaks[name] = max(peaks[name], torch.cuda.max_memory_allocated() / 2**30)


def _wait() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _padded(lm: LanguageModel, prompts: PromptSet) -> Tensor:
    return pad_right([prompt.token_ids for prompt in prompts], 0)[0].to(lm.device)


def _capture(lm: LanguageModel, prompts: PromptSet) -> Work:
    ids = _padded(lm, prompts)

    @torch.inference_mode()
    def plain() -> None:
        lm.decoder(input_ids=ids, use_cache=False)

    return {"ours": lambda: capture(lm, prompts), "plain": plain}


def _patching(lm: LanguageModel) -> Work:
    sides = [random_prompts(PAIRS, PAIR_TOKENS, PAIR_TOKENS, seed=seed) for seed in (0, 1)]
    same = PAIR_TOKENS - PATCHED
    pairs = [
        aligned(a, replace(b, token_ids=a.token_ids[:same] + b.token_ids[same:]))
        for a, b in zip(*sides, strict=True)
    ]
    return {
        "ours": lambda: patching_maps(lm, pairs, METRIC, sites=["resid_post"]),
        "plain": lambda: _cell_by_cell(lm, pairs),
    }


@torch.inference_mode()
def _cell_by_cell(lm: LanguageModel, pairs: list[Pair]) -> None:
    clean, corrupt = (
        torch.tensor([prompt.token_ids for prompt in side], device=lm.device)
        for side in ([pair.clean for pair in pairs], [pair.corrupt for pair in pairs])
    )
    states = lm.causal(input_ids=clean, output_hidden_states=True, logits_to_keep=1).hidden_states
    for layer in range(lm.n_layers):
        for token in range(PAIR_TOKENS - PATCHED, PAIR_TOKENS):

            def put(hidden: Tensor, layer: int = layer, token: int = token) -> Tensor:
                hidden[:, token] = states[layer + 1][:, token]
                return hidden

            with hooked(lm, {layer: put}):
                lm.causal(input_ids=corrupt, use_cache=False, logits_to_keep=1)


def _sampling(lm: LanguageModel, prompts: PromptSet) -> Work:
    return {"ours": lambda: _ours(lm, prompts), "plain": lambda: _plain(lm, prompts)}


def _steering(lm: LanguageModel, prompts: PromptSet) -> Work:
    layer = lm.n_layers // 2
    vector = unit(torch.randn(lm.d_model, generator=torch.Generator().manual_seed(0)))
    added = vector.to(lm.device, lm.causal.dtype)

    def plain() -> None:
        with hooked(lm, {layer: lambda hidden: hidden + added}):
            _plain(lm, prompts)

    return {"ours": lambda: _ours(lm, prompts, [Add(vector, (layer,), 1.0)]), "plain": plain}


def _ours(lm: LanguageModel, prompts: PromptSet, edits: Any = ()) -> None:
    generate(lm, prompts, max_new_tokens=NEW, seed=0, end_ids=(), interventions=edits)


@torch.inference_mode()
def _plain(lm: LanguageModel, prompts: PromptSet) -> None:
    longest = max(map(len, prompts))
    ids = torch.tensor([(0,) * (longest - len(each)) + each.token_ids for each in prompts])
    mask = torch.tensor([[0] * (longest - len(each)) + [1] * len(each) for each in prompts])
    lm.causal.generate(
        input_ids=ids.to(lm.device),
        attention_mask=mask.to(lm.device),
        do_sample=True,
        top_k=0,
        min_new_tokens=NEW,
        max_new_tokens=NEW,
    )


def _lora(lm: LanguageModel) -> Work:
    return {
        "ours": lambda: lora_step.steps(lm, 8, shipped=False),
        "plain": lambda: lora_step.steps(lm, 8, shipped=True),
    }
