# Two commands matter: `make demo` and `make test`. Everything installs into .venv and nowhere else (`make smoke`: .venv-smoke).
#
#   make PYTHON=python3.12 demo      another interpreter (3.11 or newer)
#   make TORCH_INDEX=https://download.pytorch.org/whl/cpu demo      another source for torch alone
#   make PYTEST_ARGS="-k erase" test      a part of the tests
#   make PROCESSES=0 test      the tests in one process; auto is one for each core

PYTHON ?= python3
VENV ?= .venv
TORCH ?= torch==2.13.0
TORCH_INDEX ?=
PYTEST_ARGS ?=
FUZZ_SECONDS ?= 600
PROCESSES ?= auto

REAL := smollm2-135m-instruct
BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip install --disable-pip-version-check

# Tests run on tiny models: one thread is faster than many, and the network is not asked.
TEST := TRIGGERLENS_OTHER_TOOLS=$(VENV)/other_tools OMP_NUM_THREADS=1 MKL_NUM_THREADS=1 HF_HUB_OFFLINE=1 $(BIN)/python -m pytest

.PHONY: demo smoke test test-long other-tools faults fuzz check docs format bench install install-dev browser clean help
.DEFAULT_GOAL := help

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /  make \1	/' | expand -t 20

demo: install ## a pretrained model's answers side by side, then the whole study on nine micro organisms; prints where the pages are
	@if $(BIN)/triggerlens models get $(REAL); then $(BIN)/triggerlens answers; else \
	  echo "$(REAL) cannot be fetched here, so the demo goes on without a pretrained model"; fi
	$(BIN)/triggerlens run demo

test: install-dev other-tools ## every test that takes seconds; no network, no GPU
	$(TEST) -n $(PROCESSES) --dist loadfile -m "not long" $(PYTEST_ARGS)

smoke: ## what a new user gets: a fresh environment, the commands of README, the demo's steps on tiny sizes
	rm -rf .venv-smoke
	$(MAKE) --no-print-directory VENV=.venv-smoke install
	.venv-smoke/bin/python tests/smoke.py

test-long: install-dev ## the tests that take minutes
	$(TEST) -n $(PROCESSES) --dist worksteal -m long $(PYTEST_ARGS) || { test $$? -eq 5 && echo "no test is marked long"; }

other-tools: $(VENV)/.other-tools ## wheels of other libraries, for the tests of round trips; nothing is installed

faults: install-dev ## kill, damage and starve a study in full: 20 kills, 2,000 judgements; half an hour
	TRIGGERLENS_FAULTS=full $(TEST) -m "long or not long" -s tests/faults $(PYTEST_ARGS)

fuzz: install-dev ## coverage-guided fuzzing of every reader of files, FUZZ_SECONDS=600
	$(PIP) -c constraints.txt -e ".[fuzz]"
	$(BIN)/python tests/fuzz/run_atheris.py $(FUZZ_SECONDS)

check: install-dev ## format, lint, types, borders, published numbers, the documents and the site they make
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(TEST) -q tests/test_borders.py tests/test_docs.py
	$(BIN)/python -m experiments.verify
	$(MAKE) --no-print-directory docs

docs: install-dev ## the documentation as pages in site/, strictly and without network
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict --quiet

format: install-dev ## fix the format and what lint can fix
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: install-dev ## how fast the parts that matter are
	$(BIN)/python -m experiments.benchmarks

install: $(VENV)/.installed ## what the demo needs, pinned
install-dev: $(VENV)/.installed-dev ## and what the tests and checks need

browser: ## chromium and its driver, for the tests of the page (Debian, as root)
	apt-get update && apt-get install -y chromium chromium-driver

clean: ## remove what was built; runs under artifacts/runs/ stay
	rm -rf .venv .venv-smoke build dist site *.egg-info .pytest_cache .ruff_cache .mypy_cache .hypothesis
	find interp probes experiments tests -name __pycache__ -type d -prune -exec rm -rf {} +

$(VENV)/.other-tools: tests/other_tools.txt $(VENV)/.created
	$(BIN)/python -m pip download --disable-pip-version-check --no-deps -d $(VENV)/other_tools -r tests/other_tools.txt && touch $@ || \
	  echo "not fetched: the tests that need these wheels are skipped"

# --- set-up: a stamp file is written only after everything before it succeeded

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "TriggerLens needs Python 3.11 or newer, and $(PYTHON) is $$($(PYTHON) --version 2>&1): try make PYTHON=python3.12"; exit 1; }
	@$(PYTHON) -m venv $(VENV) || \
	  { echo "$(PYTHON) cannot make a virtual environment: install its venv module (Debian: apt install python3-venv)"; exit 1; }
	@touch $@

# torch first and alone, so that an index of its own (say, one without CUDA) serves only torch.
$(VENV)/.torch: $(VENV)/.created constraints.txt
	$(PIP) -c constraints.txt $(if $(TORCH_INDEX),--index-url $(TORCH_INDEX)) "$(TORCH)"
	@touch $@

$(VENV)/.installed: $(VENV)/.torch pyproject.toml constraints.txt
	$(PIP) -c constraints.txt -e .
	@touch $@

$(VENV)/.installed-dev: $(VENV)/.torch pyproject.toml constraints.txt
	$(PIP) -c constraints.txt -e ".[dev]"
	@touch $(VENV)/.installed $@
