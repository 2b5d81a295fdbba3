# Two commands for a stranger: `make demo` and `make test`. PYTHON chooses the interpreter (3.11 or newer).
PYTHON ?= python3
BIN := .venv/bin

.PHONY: demo test check format docs clean

demo: .venv/demo
	$(BIN)/elman quickstart

test: check

check: .venv/dev
	$(BIN)/ruff format --check src tests examples benchmarks docs
	$(BIN)/ruff check src tests examples benchmarks docs
	$(BIN)/pyright
	$(BIN)/pytest

format: .venv/dev
	$(BIN)/ruff format src tests examples benchmarks docs
	$(BIN)/ruff check --fix src tests examples benchmarks docs

# Runs every command of the tour anew and writes what comes out into docs/tour/ (about eight minutes).
docs: .venv/dev
	$(BIN)/python docs/tour/build.py

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "elman needs Python 3.11 or newer; say: make demo PYTHON=python3.12" >&2; exit 1; }
	$(PYTHON) -m venv .venv

.venv/demo: .venv/bin/python pyproject.toml constraints.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train]'
	@touch $@

.venv/dev: .venv/demo
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[train,dev]'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[peers]' || echo "no kenlm here: the tests that need it are skipped" >&2
	@touch $@

clean:
	rm -rf .venv .pytest_cache .ruff_cache .hypothesis
