"""What the type checker of the tests would refuse first is refused in one plain line without it."""

import subprocess
import sys

import pytest

CALLS = {
    "from interp.capture import capture; capture(None, ['hello'])": "make a PromptSet with render",
    "from interp.capture import by_name; by_name('last_prompt_token')": "is no function; give one",
    "from interp.capture import by_name; by_name(-1)": "position -1 is no function",
    "from interp.prompts import Framing; Framing('It quacks.', 'sufix')": "placement is 'sufix'",
    "from probes.asked import named_probes; named_probes([1])": "give a mapping such as",
    "from probes.resampling import group_codes; group_codes([[0], [1]])": "the group of row 0 is [0]",
}
RUN = """
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
