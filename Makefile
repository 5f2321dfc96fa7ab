# Targets create the environment when they need it; start with `make demo` or `make test`.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
SHELL := /bin/bash

VENV := .venv
BIN := $(VENV)/bin
STAMP := $(VENV)/.sitrep-setup
UV_VERSION := 0.13.9
# Three workers suit two cores: a third of the time, tests wait. More only make timers late.
WORKERS ?= 3
PYTEST := $(BIN)/pytest -n $(WORKERS) --dist=worksteal

.PHONY: help setup demo demo-drill pictures test test-fast check format freeze freeze-add freeze-check bench chaos fuzz run lock clean

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: $(STAMP) ## Make .venv with everything; costs nothing when up to date

# PYTHON=/path/to/python chooses the interpreter; otherwise the first one that is 3.11 or newer.
$(STAMP): requirements-dev.txt pyproject.toml
	@if [ ! -x $(BIN)/pip ]; then \
	  chosen=""; \
	  for candidate in $(or $(PYTHON),python3 python3.14 python3.13 python3.12 python3.11 python); do \
	    if "$$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then \
	      chosen="$$candidate"; break; \
	    fi; \
	  done; \
	  if [ -z "$$chosen" ]; then \
	    echo "Sitrep needs Python 3.11 or newer, and $(if $(PYTHON),$(PYTHON) is none,none was found on the PATH)."; \
	    echo "Install one, or name it: make setup PYTHON=/path/to/python3.12"; \
	    exit 1; \
	  fi; \
	  if ! "$$chosen" -c 'import ensurepip, venv' 2>/dev/null; then \
	    echo "$$chosen is new enough, but its venv module is missing."; \
	    echo "Debian and Ubuntu keep it apart: install python3-venv, then run make setup again."; \
	    exit 1; \
	  fi; \
	  echo "Making $(VENV) with $$("$$chosen" --version)"; \
	  "$$chosen" -m venv $(VENV); \
	fi
	@echo "Installing the locked packages"
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.txt
	@PYTHONWARNINGS=ignore $(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --editable .
	@# pip doesn't compile an editable package; without this, the first start takes a second longer.
	@$(BIN)/python -m compileall -q bot config incidents migrations
	@touch $(STAMP)

demo: $(STAMP) ## Play an incident in the terminal; ARGS=--full shows every message
	@$(BIN)/python -m tests.demo $(ARGS)

demo-drill: $(STAMP) ## Play a drill, with an escalation and an approved step
	@$(BIN)/python -m tests.demo --drill $(ARGS)

pictures: $(STAMP) ## Draw the README's pictures from the bot's messages; needs Chromium
	@$(BIN)/python -m tests.looks --pictures docs/pictures

test: $(STAMP) ## Run all tests, on SQLite and on PostgreSQL
	$(PYTEST)

test-fast: $(STAMP) ## Run the tests that need no PostgreSQL and no whole bot
	$(PYTEST) -m "not postgres" tests/unit tests/architecture

check: $(STAMP) ## Lint, format, types, architecture
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/pytest -q tests/architecture

format: $(STAMP) ## Format, and mend what ruff can mend safely
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# Output is frozen from the Socket Mode tests on SQLite only; see tests/freeze.
FREEZE := build/freeze
SCENARIOS := $(PYTEST) -q -k "not postgres" tests/scenario
RUNS ?= 3

# Every second run has too many workers, so that output that depends on timing differs and is marked.
freeze: $(STAMP) ## Record again what the bot shows, plans and records
	@rm -rf $(FREEZE)
	@for run in $$(seq $(RUNS)); do \
	  SITREP_FREEZE_RECORDING=1 SITREP_FREEZE_FOLDER=$(FREEZE)/$$run \
	    $(SCENARIOS) -n $$(($(WORKERS) * (2 - run % 2))) || exit 1; \
	done
	@$(BIN)/python -m tests.freeze record $(FREEZE)/*

freeze-add: $(STAMP) ## Add to what is frozen what only happens sometimes
	@rm -rf $(FREEZE)
	@SITREP_FREEZE_RECORDING=1 SITREP_FREEZE_FOLDER=$(FREEZE)/1 $(SCENARIOS)
	@$(BIN)/python -m tests.freeze add $(FREEZE)/1

freeze-check: $(STAMP) ## Find what is shown no longer, or for the first time
	@rm -rf $(FREEZE)
	@result=0; \
	SITREP_FREEZE_FOLDER=$(FREEZE)/1 $(SCENARIOS) || result=1; \
	$(BIN)/python -m tests.freeze check $(FREEZE)/1 || result=1; \
	exit $$result

bench: $(STAMP) ## Measure against the embedded Slack
	@$(BIN)/python -m tests.benchmarks

chaos: $(STAMP) ## Kill, cut power, break Slack: an hour of it; then the random tests, twenty times as long
	$(BIN)/python -m tests.chaos --long
	TEST_EXAMPLES_FACTOR=20 $(PYTEST) -m hypothesis --timeout=1800

fuzz: $(STAMP) ## Send a hundred thousand changed requests, by socket and by HTTP
	TEST_EXAMPLES_FACTOR=500 $(PYTEST) --timeout=1800 tests/scenario/inbound/test_nonsense.py

run: $(STAMP) ## Run the bot for a real workspace
	@$(BIN)/sitrep serve

# uv gets its own folder, so that $(VENV) holds only locked packages.
# Without --upgrade the locks keep their versions where pyproject.toml allows it: make lock UPGRADE=--upgrade
COMPILE = build/lock/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes \
	--no-emit-index-url --no-emit-find-links --no-annotate --no-header $(UPGRADE) pyproject.toml
lock: ## Rewrite requirements*.txt from pyproject.toml
	@python3 -m venv build/lock
	@build/lock/bin/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION)
	$(COMPILE) --output-file requirements.txt
	$(COMPILE) --extra dev --constraint requirements.txt --output-file requirements-dev.txt
	@rm -rf build/lock

clean: ## Remove what make made, but not your data
	rm -rf $(VENV) build dist *.egg-info demo-output .coverage .hypothesis .mypy_cache .pytest_cache .ruff_cache
