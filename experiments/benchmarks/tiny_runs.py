"""A study of tiny random models with any number of organisms, and measurements in a separate process."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

from experiments.study.config import StudyConfig, load_config
from experiments.study.tiny import tiny_study

T = TypeVar("T")


def in_own_process(measure: Callable[..., T], *arguments: object) -> T:
    """The result of a function in a new process, so that peak memory and processor seconds are its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:  # this process may start others
        return pool.submit(measure, *arguments).result()


def tiny_configuration(folder: Path) -> StudyConfig:
    """The smoke study in its tiny version; its bases are made in the folder."""
    return tiny_study(load_config("smoke"), folder)


def with_organisms(config: StudyConfig, count: int, first: int = 0) -> StudyConfig:
    """A contrast organism and its base for each of `count` seeds, from `first` on."""
    chosen = tuple(each for each in config.organisms if each.arm == "contrast")
    return config.model_copy(
        update={"organisms": chosen, "seeds": tuple(range(first, first + count))}
    )
