"""A study with tiny random models, of as many organisms as wanted, and measurements in a process of their own."""

import multiprocessing
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import TypeVar

from experiments.study.config import StudyConfig, load_config
from experiments.study.tiny import tiny_study

T = TypeVar("T")


def in_own_process(measure: Callable[..., T], *arguments: object) -> T:
    """What it returns; its peak of memory and its processor seconds are then its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, context) as pool:  # its process may have processes of its own
        return pool.submit(measure, *arguments).result()


def tiny_configuration(folder: Path) -> StudyConfig:
    """The smoke study, tiny; its bases are made in the folder."""
    return tiny_study(load_config("smoke"), folder)


def with_organisms(config: StudyConfig, count: int, first: int = 0) -> StudyConfig:
    """A contrast organism and its base for each of so many seeds, from `first` on."""
    chosen = tuple(each for each in config.organisms if each.arm == "contrast")
    return config.model_copy(
        update={"organisms": chosen, "seeds": tuple(range(first, first + count))}
    )
