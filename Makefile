# Two commands for a stranger: `make demo` and `make test`. PYTHON chooses the interpreter (3.11 or newer).
# While you work: `make quick`, one to two minutes on two cores. WORKERS: processes that run tests (1: this one
# alone), by default one for each core, and for `make test` one more, for tests of pages and processes wait.
PYTHON ?= python3
BIN := .venv/bin
CORES := $(shell nproc 2>/dev/null || echo 2)
# Errors are shown; warnings, as of package indexes that do not answer, are not. Modules are compiled when they are first
# imported, which most of torch's never are.
PIP = $(BIN)/python -m pip install -qq --no-compile --disable-pip-version-check -c constraints.txt
PYTEST = $(BIN)/pytest

.PHONY: demo test check quick faults fuzz format docs reference sbom audit wheels clean

demo: .venv/demo
	$(BIN)/elman quickstart

test: check

check: .venv/dev
	$(BIN)/ruff format --check src tests examples benchmarks docs
	$(BIN)/ruff check src tests examples benchmarks docs
	$(BIN)/pyrefly check & types=$$!; $(PYTEST) --workers $(or $(WORKERS),$(shell echo $$(( $(CORES) + 1 )))); \
	  tests=$$?; wait $$types && exit $$tests

quick: .venv/dev
	$(BIN)/ruff format --check src tests examples benchmarks docs
	$(BIN)/ruff check src tests examples benchmarks docs
	$(BIN)/pyrefly check
	$(PYTEST) --workers $(or $(WORKERS),$(CORES)) -m "not slow" --durations=9 --durations-min=2

# Before a release: kills and faults at 200 moments and more (some four minutes), and 10,000 changed files and requests.
faults: .venv/dev
	$(BIN)/python -m tests.faults.campaign --moments 200
	ELMAN_FAULTS=200 $(BIN)/pytest tests/cli/test_hosts.py

fuzz: .venv/dev
	$(BIN)/python -m tests.faults.fuzz 10000

format: .venv/dev
	$(BIN)/ruff format src tests examples benchmarks docs
	$(BIN)/ruff check --fix src tests examples benchmarks docs

# Runs every command of the tour anew and writes what comes out into docs/tour/ (about eight minutes).
docs: .venv/dev
	$(BIN)/python docs/tour/build.py

# Writes the pages that follow from the source: docs/cli.md, docs/python.md, docs/architecture.svg and its table.
reference: .venv/dev
	$(BIN)/python docs/build_reference.py
	$(BIN)/python docs/build_architecture.py

# The parts of an installation with their versions, as CycloneDX.
sbom: .venv/supply
	.venv/supply/bin/cyclonedx-py requirements --pyproject pyproject.toml --output-reproducible -o sbom.json constraints.txt
	@echo "sbom.json: $$(grep -c '"bom-ref"' sbom.json) entries" >&2

# Known vulnerabilities of these versions; says so where the data on them cannot be reached.
audit: .venv/supply
	@report=$$(mktemp) && { timeout 20 .venv/supply/bin/pip-audit --no-deps --disable-pip --progress-spinner off \
	    -r constraints.txt -f json -o $$report 2>$$report.err; found=$$?; \
	  if [ -s $$report ]; then cat $$report.err >&2; rm -f $$report*; exit $$found; fi; \
	  echo "audit skipped: the data on vulnerabilities cannot be reached ($$(tail -n 1 $$report.err | cut -c -200))" >&2; rm -f $$report*; }

# The wheel twice, the same byte for byte; and how it does on every Python of this machine.
wheels: .venv/dev
	$(BIN)/python benchmarks/wheels.py

.venv/supply: .venv/bin/python
	@echo "installing what describes and audits the parts" >&2
	@$(BIN)/python -m venv .venv/supply
	@.venv/supply/bin/python -m pip install -qq --disable-pip-version-check cyclonedx-bom==7.5.0 pip-audit==2.10.1

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "elman needs Python 3.11 or newer; say: make demo PYTHON=python3.12" >&2; exit 1; }
	@echo "making a virtual environment in .venv"
	@$(PYTHON) -m venv .venv

.venv/demo: .venv/bin/python pyproject.toml constraints.txt
	@echo "installing elman and what it needs into .venv (some minutes, mostly torch)"
	@$(PIP) -e '.[train]'
	@touch $@

.venv/dev: .venv/demo
	@echo "installing what the tests need"
	@$(PIP) -e '.[train,dev]'
	@$(PIP) -e '.[peers]' || echo "no kenlm here: the tests that need it are skipped" >&2
	@touch $@

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis
