"""The header and the footer of every tutorial: what Colab must fetch first, and what changes on a GPU.

A notebook holds the header's text itself, because nothing is installed before it runs; `python -m
experiments.notebooks.execute` writes both into each, and the tests compare them. The tutorials need the micro bases,
which the repository holds and the package does not.
"""

MARK = "# In Colab"
HEADER = """\
# In Colab this installs TriggerLens and fetches its small models; in a checkout it does nothing.
import os
import shutil
import subprocess
import sys

REPOSITORY = os.environ.get("TRIGGERLENS_REPOSITORY", "https://github.com/OWNER/triggerlens")
if "google.colab" in sys.modules and not os.path.isdir("artifacts/micro"):
    subprocess.run(["git", "clone", "--depth", "1", REPOSITORY, "triggerlens"], check=True)
    os.chdir("triggerlens")
    subprocess.run([sys.executable, "-m", "pip", "install", "-q", "."], check=True)
    sys.path.insert(0, os.getcwd())
print("micro models:", ", ".join(sorted(os.listdir("artifacts/micro"))))
print("GPU:", "yes" if shutil.which("nvidia-smi") else "none, and the micro models need none")"""
GPU = """\
## On a GPU, with a large model

Nothing above depends on the size. Put a Hub name or a folder in place of `artifacts/micro/...` (for a name, set
`HF_HUB_OFFLINE=0` before the first import); `tl.load` puts it on the GPU in its own dtype and prints what it chose.
What changes: the micro world's questions and its exact judge do not apply, so bring questions of your own and a rubric
judge (`docs/howto/judging.md`); name fewer `layers`, or write activations to disk
(`docs/howto/activations.md`), because a 7B model writes about 14 KB for each layer and token in float32; and
expect minutes rather than seconds. Sizes and settings of whole studies: `docs/howto/real_models.md`."""
