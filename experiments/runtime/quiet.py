"""Silence libraries if a command shows its own progress."""

import warnings

from transformers.utils import logging


def quiet() -> None:
    """Hide transformers' own bars and notices, because a study shows its own progress."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", message="`is_gradient_checkpointing`", category=FutureWarning)
