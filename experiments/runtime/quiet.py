"""Keep libraries quiet where a command shows its own progress."""

import warnings

from transformers.utils import logging


def quiet() -> None:
    """Keep transformers' own bars and notices off the screen, where a study shows its progress."""
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    warnings.filterwarnings("ignore", message="`is_gradient_checkpointing`", category=FutureWarning)
