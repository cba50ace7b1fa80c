# Two commands do everything: `make run` and `make test`. They need Python 3.11+, make and a package registry.
PYTHON ?= python3
BIN := .venv/bin
SHELL := /bin/bash
.DEFAULT_GOAL := help
.PHONY: help run test test-slow check format lock screenshots clean

help: ## what each target does
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(0 if sys.version_info >= (3, 11) else "taosha needs Python 3.11 or newer; name one with: make PYTHON=python3.12 run")'
	$(PYTHON) -m venv .venv

.venv/.run: requirements.lock pyproject.toml | .venv/bin/python
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

.venv/.dev: requirements-dev.lock .venv/.run
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# Exit code 3 means: published, and some input was quarantined or needs review. The sample corpus holds one broken
# file on purpose, so 3 is the success it should end with.
run: .venv/.run ## set up, then run the pipeline on corpus/ into artifacts/
	@$(BIN)/taosha run || { code=$$?; [ $$code -eq 3 ] || exit $$code; }

test: .venv/.dev ## set up, then run all checks and tests
	@$(MAKE) --no-print-directory check

test-slow: .venv/.dev ## the long loops: fault injection, large corpora
	$(BIN)/python -m pytest -q -m slow

check: .venv/.dev ## format, lint, types, tests
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/python -m pytest -q -n 2 --dist loadfile

format: .venv/.dev ## rewrite the code in the project's format
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## rewrite the pinned requirements (needs uv)
	uv pip compile pyproject.toml --group build --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements.lock
	uv pip compile pyproject.toml --group dev --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header -q -o requirements-dev.lock

screenshots: .venv/.dev ## pictures of the report for the README, from the sample corpus (needs Chromium)
	$(BIN)/python -m tests.bench.screenshots

clean: ## remove the environment and everything published
	rm -rf .venv artifacts/latest artifacts/snapshots artifacts/work artifacts/history .prefect
