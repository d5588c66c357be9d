# The two commands: `make demo` and `make test`. Everything else is in CONTRIBUTING.md.
PYTHON ?= python3
VENV   ?= .venv
BIN    := $(VENV)/bin

# The tests start hundreds of short processes; without bytecode each would compile everything anew.
unexport PYTHONDONTWRITEBYTECODE

.PHONY: help demo test fast fuzz soak check lock clean
help:
	@echo "make demo    a real model corrects a real text, from nothing"
	@echo "make test    every test that CI runs      make fast   no model, no network, under 15 s"
	@echo "make fuzz    property tests with new examples, a thousand where a test names no number"
	@echo "make soak    the pull under 1,000 mixes of trouble, 200 kills, the largest repos: half an hour"
	@echo "make check   ruff, mypy --strict, import-linter"
	@echo "make lock    write constraints/*.txt again from pyproject.toml"

$(VENV)/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { \
	  echo "Ingle needs Python 3.11 or newer; $(PYTHON) is older. Try: make PYTHON=python3.12 $(MAKECMDGOALS)"; exit 1; }
	$(PYTHON) -m venv $(VENV)

$(VENV)/.runtime: constraints/runtime.txt pyproject.toml | $(VENV)/bin/python
	@echo "Getting the packages that Ingle needs into $(VENV), which takes about a minute ..."
	$(BIN)/python -m pip install -q --require-hashes -r constraints/runtime.txt
	$(BIN)/python -m pip install -q --no-deps --no-build-isolation -e .
	@touch $@

$(VENV)/.dev: constraints/dev.txt $(VENV)/.runtime
	@echo "Getting the packages that the tests need into $(VENV), which takes about a minute ..."
	$(BIN)/python -m pip install -q --require-hashes -r constraints/dev.txt
	@touch $@

demo: $(VENV)/.runtime
	$(BIN)/python -m ingle.cli.demo

test: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

fast: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n 2 --dist worksteal -m "not model and not slow"

fuzz: $(VENV)/.dev
	$(BIN)/python -m pytest -q -n 2 -m "hypothesis and not model" --hypothesis-profile search

soak: $(VENV)/.dev
	$(BIN)/python -m tests.soak.pull_soak

check: $(VENV)/.dev
	$(BIN)/ruff check src tests bench
	$(BIN)/ruff format --check src tests bench
	$(BIN)/mypy
	$(BIN)/lint-imports --no-cache

lock:
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate -q --group build -o constraints/runtime.txt
	uv pip compile pyproject.toml --universal --python-version 3.11 --generate-hashes \
	  --no-emit-index-url --no-header --no-annotate -q --group dev -o constraints/dev.txt

clean:
	rm -rf $(VENV) .cache .pytest_cache .mypy_cache .ruff_cache
