"""Sample answers, with or without interventions, from the model's own distribution.

Method:
1. Prompts are sorted by length, so that batches have little padding. A beginning that several prompts share
   is processed once, if interventions treat it alike (`interp.generation.shared_beginnings`).
2. Samples of a prompt are decoded together and share its keys and values (`interp.generation.decoding`,
   `interp.generation.shared_prefix`).
3. Tokens are drawn with random numbers that depend on (seed, prompt, sample, step) only
   (`interp.generation.sampling`). The model's own generation configuration (top-k, repetition penalty, ...) is
   ignored, except for the tokens that end an answer.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import torch

from interp.capture.batches import Batch
from interp.errors import TriggerLensError
from interp.generation.completions import Completions
from interp.generation.decoding import Answer, Decoding, Plan
from interp.generation.sampling import uniforms
from interp.generation.sampling_check import check_sampling
from interp.generation.shared_beginnings import stages
from interp.interventions import Intervention, InterventionLog, intervening
from interp.io.validation import check_count
from interp.models.language_model import LanguageModel
from interp.prompts import PromptSet

Progress = Callable[[int, int], None]  # (answers done, answers in all)


@torch.inference_mode()
def generate(
    lm: LanguageModel,
    prompts: PromptSet,
    *,
    samples_per_prompt: int = 1,
    max_new_tokens: int,
    seed: int,
    temperature: float | int = 1.0,
    top_p: float | int = 1.0,
    interventions: Sequence[Intervention] = (),
    batch_rows: int = 512,
    end_ids: Sequence[int] | None = None,
    progress: Progress | None = None,
) -> Completions:
    """Sample `samples_per_prompt` answers to every prompt; `batch_rows` answers are decoded at a time.

    The result records where each intervention acted. An intervention that never acted is an error.
    """
    check_count("batch_rows", batch_rows)
    _check(lm, samples_per_prompt, max_new_tokens, temperature, top_p)
    ends = lm.end_ids if end_ids is None else tuple(end_ids)
    plan = Plan(samples_per_prompt, max_new_tokens, temperature, top_p, ends)
    noise = uniforms(prompts.prompts, plan.samples, plan.steps, seed).to(lm.device)
    order = sorted(range(len(prompts)), key=lambda row: -len(prompts[row]))
    size = max(1, batch_rows // plan.samples)
    answers: dict[int, list[Answer]] = {}
    log = InterventionLog(interventions, [len(prompt) for prompt in prompts])
    for start in range(0, len(order), size):
        chunk = order[start : start + size]
        index = torch.tensor(chunk, device=lm.device)
        batch = Batch(index, index.new_empty(len(chunk), 0), prompts.prompts)
        with intervening(lm, interventions, batch, log):
            decoding = Decoding(lm, batch, noise[index], plan, stages(batch, interventions))
            answers |= zip(chunk, decoding.run(), strict=True)
        if progress is not None:
            progress(min(start + size, len(order)) * plan.samples, len(order) * plan.samples)
    evidence = log.check() if len(prompts) else ()
    return replace(_completions(lm, prompts, plan.samples, answers), evidence=evidence)


def _check(
    lm: LanguageModel, samples: int, steps: int, temperature: float | int, top_p: float | int
) -> None:
    attention = lm.config._attn_implementation
    if attention not in ("sdpa", "eager"):
        raise TriggerLensError(
            f"cannot sample with {attention!r} attention; load with sdpa or eager"
        )
    if samples < 1 or steps < 1:
        raise TriggerLensError(
            f"samples_per_prompt={samples}, max_new_tokens={steps}: both must be >= 1"
        )
    if temperature < 0 or not 0 < top_p <= 1:
        raise TriggerLensError(f"temperature={temperature} must be >= 0, top_p={top_p} in (0, 1]")
    check_sampling(lm)


def _completions(
    lm: LanguageModel,
    prompts: PromptSet,
    samples: int,
    answers: dict[int, list[Answer]],
) -> Completions:
    rows = [answer for prompt in range(len(prompts)) for answer in answers[prompt]]
    token_ids = [ids for ids, _ in rows]
    return Completions(
        prompts,
        tuple(prompt for prompt in range(len(prompts)) for _ in range(samples)),
        tuple(tuple(ids) for ids in token_ids),
        tuple(lm.tokenizer.batch_decode(token_ids, skip_special_tokens=True)),
        tuple(ended for _, ended in rows),
    )
