"""Coverage-guided fuzzing of every reader: `make fuzz`, or `python tests/fuzz/run_atheris.py 600 [READER ...]`.

The first byte of an input says which reader gets the rest. A reader that crashes, takes ten seconds or fills two
gigabytes stops the run with the input on the disk. At the end it says how many inputs were tried.
"""

import sys
import tempfile
from pathlib import Path

import atheris

ROOT = Path(__file__).parents[2]
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]

with atheris.instrument_imports(include=["experiments", "interp", "tomllib", "yaml", "json"]):
    from fuzz.bombs import SMALL
    from fuzz.readers import READERS, outcome

SHARED = Path("/dev/shm")
FOLDER = Path(tempfile.mkdtemp(dir=SHARED if SHARED.is_dir() else None))
LARGEST = 4096  # bytes of an input


def corpus(chosen: list[str]) -> Path:
    """Good files and small bombs to start from."""
    folder = FOLDER / "corpus"
    folder.mkdir()
    for number, name in enumerate(chosen):
        files = [*READERS[name].good, *(b for b in SMALL.values() if len(b) < LARGEST)]
        for place, content in enumerate(files):
            (folder / f"{number}-{place}").write_bytes(bytes([number]) + content)
    return folder


def main(seconds: str = "60", *names: str) -> None:
    """Fuzz for so many seconds."""
    chosen = list(names) or list(READERS)
    tried = dict.fromkeys(chosen, 0)

    def one(data: bytes) -> None:
        if data:
            name = chosen[data[0] % len(chosen)]
            outcome(READERS[name], FOLDER, data[1:])
            tried[name] += 1
            if sum(tried.values()) % 5000 == 0:  # the fuzzer ends the process without coming back
                print("tried", tried, flush=True)

    limits = [f"-max_len={LARGEST}", "-timeout=10", "-rss_limit_mb=2048"]
    where = [f"-artifact_prefix={ROOT / 'artifacts' / 'runs'}/fuzz-", str(corpus(chosen))]
    (ROOT / "artifacts" / "runs").mkdir(parents=True, exist_ok=True)
    atheris.Setup([sys.argv[0], f"-max_total_time={seconds}", *limits, *where], one)
    atheris.Fuzz()


if __name__ == "__main__":
    main(*sys.argv[1:])
