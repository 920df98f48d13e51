# Everything a contributor runs. Needs Python 3.11 or newer, make and git; the rest is installed into .venv.
# VENV and PYTHON can be given: make test PYTHON=python3.13 VENV=/tmp/venv

SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
VENV ?= .venv
PYTHON ?= $(shell for p in python3.11 python3.12 python3.13 python3.14 python3 python; do \
	"$$p" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && { echo "$$p"; break; }; done)
RUN := $(VENV)/bin
PYTEST := $(RUN)/python -m pytest
# Tests read real samples from here when it exists, and say so when it does not.
export LLMCOST_SHARED_DATA ?= $(wildcard $(abspath ../shared/data))
# CI=true turns a missing browser or Java into a failure.
INSTALL := --disable-pip-version-check --quiet -c constraints.txt

.PHONY: help demo test test-slow check format cover bench golden schemas samples docs system clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*##/\t/' | expand -t 14

$(VENV)/bin/python:
	@test -n "$(PYTHON)" || { echo "llmcost needs Python 3.11 or newer, and none was found on PATH" >&2; exit 1; }
	"$(PYTHON)" -m venv "$(VENV)"

$(VENV)/.installed: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(RUN)/python -m pip install $(INSTALL) -e .
	@touch $@

$(VENV)/.installed-dev: pyproject.toml constraints.txt | $(VENV)/bin/python
	$(RUN)/python -m pip install $(INSTALL) -e ".[dev]"
	@# its price table is compared with ours; none of its code or requirements is used
	$(RUN)/python -m pip install $(INSTALL) --no-deps litellm
	@touch $@ $(VENV)/.installed

demo: $(VENV)/.installed  ## replay the sample logs under ready-made scenarios and write a report
	@mkdir -p out
	$(RUN)/llmcost simulate sample_logs/usage_rows/october.jsonl.gz --preset prompt-cache --preset batch --preset route-short \
		--format html --format json --out out/
	@echo "open out/*.html in a browser: $$(ls out/*.html)"

system:  ## Chromium and Java for the tests that need them (apt, as root); says why when it cannot
	@scripts/system-packages

test: $(VENV)/.installed-dev system  ## all tests but the slow ones
	$(PYTEST) -n auto --dist worksteal

test-slow: $(VENV)/.installed-dev  ## the slow tests, among them 200,000 odd files read by every source
	$(PYTEST) -m slow

check: $(VENV)/.installed-dev  ## lint, format, types, import contracts, fast tests: what CI runs first
	$(RUN)/ruff check .
	$(RUN)/ruff format --check .
	$(RUN)/mypy
	$(RUN)/lint-imports --no-logo
	$(PYTEST) -q

format: $(VENV)/.installed-dev  ## apply the formatter and the safe fixes
	$(RUN)/ruff check --fix .
	$(RUN)/ruff format .

cover: $(VENV)/.installed-dev  ## branch coverage
	$(PYTEST) --cov --cov-report=term-missing

bench: $(VENV)/.installed-dev  ## speed on made-up logs; writes out/bench.json
	$(RUN)/python -m scripts.bench

golden: $(VENV)/.installed-dev  ## rewrite the golden files, then read the diff
	$(PYTEST) --golden-update -q
	git --no-pager diff --stat

schemas: $(VENV)/.installed  ## write the JSON Schemas of price files, scenarios, budgets and results
	$(RUN)/python -m scripts.make_schemas

docs: $(VENV)/.installed  ## write docs/cli-reference.md and docs/sources.md from the code
	$(RUN)/python -m scripts.make_docs

samples: $(VENV)/.installed  ## write sample_logs/ again (the same bytes, or the diff says why)
	$(RUN)/python -m scripts.make_samples

clean:  ## remove what make made
	rm -rf out build dist .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .coverage*
