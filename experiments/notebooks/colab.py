"""The first and the last cell of every tutorial: what Colab must install first, and what changes on a GPU.

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

Nothing above depends on the size of the model. Put a Hub name or a folder in place of `artifacts/micro/...`. (A name is
downloaded unless the environment has `HF_HUB_OFFLINE=1`.) `tl.load` puts the model on the GPU in its own dtype and
prints what it chose. Three things change:

* The micro world's questions and its exact judge do not apply. Use questions of your own and a judge that reads a
  rubric (`docs/howto/judging.md`).
* A 7B model produces about 14 KB for each layer and token in float32. Choose fewer `layers`, or write activations to
  disk (`docs/howto/activations.md`).
* Expect minutes rather than seconds.

`docs/howto/real_models.md` has the sizes and settings of whole studies."""
