"""What the type checker of the tests would refuse first is refused in one plain line without it."""

import subprocess
import sys

import pytest

CAPTURE = "from interp.capture.api import capture; capture(LM, PROMPTS, "
SWEEP = "from probes import sweep; sweep(X, Y, QUESTIONS, "
EDIT = "from interp.interventions import Ablate, MeanAblate, Patch; "
CALLS = {
    CAPTURE + "layers=3)": "layers=3: give a list of layers, such as [3]",
    CAPTURE + "layers='1')": "layers='1': give a list of layers, such as [1]",
    CAPTURE + "layers=[1.5])": "layers: 1.5 is not a layer; give whole numbers from 0",
    CAPTURE + "layers=[True])": "layers: True is not a layer",
    CAPTURE + "batch_rows=0)": "batch_rows=0: give None or a whole number, at least 1",
    CAPTURE + "batch_rows=1.5)": "batch_rows=1.5: give None or a whole number, at least 1",
    CAPTURE + "batch_tokens=0)": "batch_tokens=0: give a whole number, at least 1",
    "from interp.generation.generate import generate; generate(LM, PROMPTS, max_new_tokens=1, seed=0, batch_rows=0)": (
        "batch_rows=0: give a whole number, at least 1"
    ),
    SWEEP + "folds=3.5)": "folds=3.5: give a whole number, at least 3",
    SWEEP + "folds='5')": "folds='5': give a whole number, at least 3",
    SWEEP + "permutations=1.5)": "permutations=1.5: give a whole number, at least 0",
    SWEEP + "resamples=0)": "resamples=0: give a whole number, at least 1",
    SWEEP + "device='cuda:99')": "device='cuda:99' is not a device of this machine (",
    SWEEP + "device='gpu')": "device='gpu' is not a device of this machine (",
    "from interp.models.loading import load_model; load_model('artifacts/micro/qwen', device_map='cuda:99')": (
        "device_map='cuda:99' is not a device of this machine ("
    ),
    "from interp.models.loading import load_model; load_model('no/such/folder')": (
        "model 'no/such/folder': no such folder, and no name on the hub (OWNER/NAME)"
    ),
    "from interp.models.loading import load_model; load_model('nobody/nothing')": (
        "model 'nobody/nothing': neither a folder nor in the hub's cache, and the hub may not be asked"
    ),
    "from interp.models.loading import load_model; load_model('README.md')": "is a file; give the folder",
    "from interp.capture.api import capture; capture(None, ['hello'])": "make a PromptSet with render",
    "from interp.capture.api import by_name; by_name('lst')": "unknown position 'lst'; choose one of last,",
    "from interp.capture.api import by_name; by_name(-1)": "position -1 is not a function",
    "from interp.prompts import Framing; Framing('It quacks.', 'sufix')": "placement is 'sufix'",
    "import interp as tl; tl.patching_map(LM, 'my money', 'my duck', 3)": "metric 3: give two answers such as",
    EDIT + "Ablate([1.0], 1).places(LM)": "layers=1: give a list of layers, such as [1]",
    EDIT + "Ablate({1: [1.0]}, 1).places(LM)": "layers=1: give a list of layers, such as [1]",
    EDIT + "MeanAblate([1.0])": "MeanAblate.mean is list; give a mapping such as {12: mean}",
    EDIT + "Ablate(None)": "Ablate.vector is None; give a vector [d_model]",
    EDIT + "Patch([[[1.0]]], None)": "give a mapping from layers to [prompt, token, d_model]",
    "from probes.asked import named_probes; named_probes([1])": "give a mapping such as",
    "from probes.resampling import group_codes; group_codes([[0], [1]])": "the group of row 0 is [0]",
}
RUN = """
import numpy as np
from interp.prompts import Framing, Question
from interp.rendering import render
from tests.tiny_models import tiny_lm

LM = tiny_lm("qwen")
PROMPTS = render(LM.tokenizer, [Question("a", "What about it?")], {"none": Framing("")})
QUESTIONS, Y = np.arange(60) // 4, np.arange(60) % 2
X = np.random.default_rng(0).normal(size=(60, 4))

for call in CALLS:
    try:
        exec(call)
    except ValueError as error:
        print(error)
    else:
        print("nothing was refused")
"""


@pytest.fixture(scope="module")
def said():
    code = RUN.replace("CALLS", repr(list(CALLS)))
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return dict(zip(CALLS, done.stdout.splitlines(), strict=True))


@pytest.mark.parametrize("call", CALLS)
def test_a_wrong_kind_of_thing_is_named_in_one_line(call, said):
    assert CALLS[call] in said[call]
