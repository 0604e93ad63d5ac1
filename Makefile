# Python 3.11, Node 20 and make are all a machine needs; everything else is installed into .venv and node_modules.
# `make help` lists the targets. PORT and PORTAL_DATA_DIR are honoured; ARGS goes to pytest.

SHELL := /bin/sh
.DEFAULT_GOAL := help
.PHONY: help demo run test test-sqlite test-hard test-real bench lint clean installed developing

PORT ?= 8000
export PORT
PY := .venv/bin/python
PIP := $(PY) -m pip install --quiet --disable-pip-version-check --require-hashes
NODE_MODULES := node_modules/.package-lock.json
# Python keeps what it compiled, but not where PYTHONDONTWRITEBYTECODE is set: there it took a fifth of each start's CPU.
SOURCES := $(shell find accounts bots portal -name '*.py')
COMPILED := portal/__pycache__/.compiled
IS_311 := 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'
CHECKS := PORTAL_DATA_DIR=var/lint $(PY) manage.py

help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 14

demo: installed ## the portal with a simulated fleet and demo people
	@$(PY) manage.py portal --demo --port $(PORT)

run: installed ## the portal for one machine: the real thing
	@$(PY) manage.py portal --port $(PORT)

test: developing ## all tests, on SQLite and on PostgreSQL with Redis
	@$(PY) -m tests.run embedded postgresql -- $(ARGS)

test-sqlite: developing ## all tests, on SQLite only
	@$(PY) -m tests.run embedded -- $(ARGS)

test-hard: developing ## kill loops, hostile answers, the pages in Chromium
	@$(PY) -m tests.run hard -- $(ARGS)

test-real: developing ## against genuine Freqtrade releases (installs them)
	@$(PY) -m tests.run real -- $(ARGS)

lint: developing ## style, types, import rules, sizes, migrations, templates
	$(PY) -m ruff check .
	$(PY) -m ruff format --check .
	$(PY) -m mypy portal accounts bots
	$(PY) -m pytest tests/test_architecture.py tests/test_sizes.py
	$(CHECKS) makemigrations --check --dry-run
	$(CHECKS) check
	$(PY) -m djlint templates --lint --quiet

bench: developing ## every benchmark; `make bench-<name>` runs one
	@names=$$(grep -l '^def main' bench/*.py | sed -E 's,bench/(.*)\.py,\1,'); \
	test -n "$$names" || { echo "There is no benchmark yet."; exit 1; }; \
	for name in $$names; do $(MAKE) --no-print-directory bench-$$name || exit 1; done

bench-%: developing
	@mkdir -p var/bench
	@$(PY) -m bench.$* --json var/bench/$*.json

clean: ## remove what was installed and collected (var/, the data, stays)
	rm -rf .venv node_modules staticfiles .mypy_cache .ruff_cache .pytest_cache .hypothesis
	find . -name __pycache__ -type d -not -path './var/*' -prune -exec rm -rf {} +

# --- What the targets need ------------------------------------------------------------------------------------------
installed: .venv/.installed $(NODE_MODULES) $(COMPILED)
developing: .venv/.developing $(NODE_MODULES)

.venv/.installed: requirements.txt | $(PY)
	@echo "Installing the packages of requirements.txt into .venv"
	@$(PIP) -r requirements.txt
	@touch $@

.venv/.developing: requirements-dev.txt requirements.txt | $(PY)
	@echo "Installing the packages of requirements-dev.txt into .venv"
	@$(PIP) -r requirements-dev.txt
	@touch $@ .venv/.installed

$(COMPILED): $(SOURCES) | .venv/.installed
	@$(PY) -m compileall -q accounts bots portal
	@mkdir -p $(@D) && touch $@

$(PY):
	@for python in python3.11 python3 python; do \
		if $$python -c $(IS_311) 2>/dev/null; then exec $$python -m venv .venv; fi; \
	done; \
	echo "Python 3.11 was not found (python3.11, python3, python): install it, then run make again." >&2; exit 1

$(NODE_MODULES): package.json package-lock.json
	@version=$$(node --version 2>/dev/null) || { \
		echo "Node was not found: install Node 20 or newer, then run make again." >&2; exit 1; }; \
	major=$${version#v}; test "$${major%%.*}" -ge 20 || { \
		echo "Node 20 or newer is needed, this is $$version." >&2; exit 1; }
	@command -v npm >/dev/null || { echo "npm was not found: install it (it comes with Node)." >&2; exit 1; }
	@npm ci --no-audit --no-fund --loglevel=error
	@touch $@
