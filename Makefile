# `make help` lists what there is. Only Python 3.11+ and make are needed; everything else is installed here.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
UV := $(BIN)/uv
UV_VERSION := 0.13.9
export VIRTUAL_ENV := $(CURDIR)/$(VENV)
export UV_PROJECT_ENVIRONMENT := $(CURDIR)/$(VENV)
# Each process has a database of its own; the tests of a file stay together and in order. Much of their time is waiting.
AT_ONCE := -n 4 --dist loadfile --no-loadscope-reorder
.DEFAULT_GOAL := help
.PHONY: help setup serve test isolation planted torture screenshots bench conformance check format types contracts specs migration build clean

help: ## list the tasks
	@awk -F ':.*## ' '/^[a-z-]+:.*## / {printf "  make %-11s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

serve: setup ## run everything: database, sign-in, API
	@$(BIN)/python -m compileall -q src/todo
	@exec $(BIN)/todo serve

test: setup ## run the tests, four at a time (T=path or pytest's options for some of them, one at a time)
	@$(BIN)/pytest $(or $(T),$(AT_ONCE))

isolation: setup ## 500 random histories of three people against a model (H="--seed 7 --histories 50")
	@$(BIN)/python -m tests.isolation.run $(H)

planted: setup ## plant defects in copies of the source: each must be found (W="words of their names")
	@$(BIN)/python -m tests.isolation.planted $(W)

fuzz: setup ## Schemathesis with every check on every operation, and on a planted leak (F="--examples 20 --seeds 7")
	@$(BIN)/python -m tests.e2e.fuzzing $(F)

torture: setup ## kills, slow callers, full pools, stops: is anything lost? some minutes (X="--quick --only kills")
	@$(BIN)/python -m tests.torture $(X)

conformance: setup ## what the official MCP suite says, scenario by scenario
	@$(BIN)/pytest -rP --no-header tests/conformance

screenshots: setup ## pictures of the page for the README (TO=folder for those of every screen)
	@$(BIN)/python -m tests.screenshots $(TO)

bench: setup ## how fast is it, beside pgbench, a usual FastAPI, an empty one? a quarter of an hour (SIZE=10M)
	@$(UV) sync --frozen --quiet --group bench
	@$(BIN)/python -m benchmarks --size $(or $(SIZE),1M) $(B)

check: setup ## what must be green before a commit: format, lint, types, contracts, tests, specs
	@$(BIN)/ruff format --check . && $(BIN)/ruff check .
	@$(BIN)/hadolint Dockerfile
	@$(MAKE) --no-print-directory types contracts architect test

format: setup ## format the code and mend what can be mended
	@$(BIN)/ruff format . && $(BIN)/ruff check --fix .

types: setup ## check the types, Python's and TypeScript's
	@$(BIN)/mypy
	@$(BIN)/python hatch_build.py --check

contracts: setup ## check that imports point downwards
	@$(BIN)/lint-imports

architect: setup ## examine the running backend and judge it by the constitution (A="--traces")
	@$(BIN)/todo architect check $(A)

specs: setup ## write the generated parts of specs/ anew
	@$(BIN)/todo architect specs

migration: setup ## draft a migration: make migration m="what changes"
	@$(BIN)/python -m scripts.draft_migration "$(m)"

setup: $(VENV)/.installed $(VENV)/.built ## install what is needed, into this folder

build: ## build the auth server and the pages anew
	@rm -f $(VENV)/.built
	@$(MAKE) --no-print-directory setup

clean: ## remove everything that was installed or built here
	@rm -rf $(VENV) src/todo/auth/bundle src/todo/web dist

$(UV):
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' \
	  || { echo "Python 3.11 or newer is needed: make PYTHON=/path/to/python3.11 $(MAKECMDGOALS)" >&2; exit 1; }
	@echo "Creating $(VENV) …"
	@$(PYTHON) -m venv $(VENV) \
	  || { echo "Cannot create $(VENV): Python's venv module is missing (Debian: apt install python3-venv)." >&2; exit 1; }
	@$(BIN)/pip install --quiet --disable-pip-version-check uv==$(UV_VERSION) \
	  || { echo "Cannot install uv: check that the Python package index can be reached." >&2; exit 1; }

$(VENV)/.installed: pyproject.toml uv.lock | $(UV)
	@echo "Installing the Python packages …"
	@$(UV) sync --frozen --quiet --compile-bytecode \
	  || { echo "Cannot install the Python packages (see above): check that the package index can be reached;" \
	            "where a package must be compiled, a C compiler is needed (Debian: apt install gcc)." >&2; exit 1; }
	@touch $@

$(VENV)/.built: $(VENV)/.installed hatch_build.py $(wildcard auth-server/src/*.ts auth-server/*.json auth-server/build.mjs web/*.json web/*.mjs web/*.ts web/client/package.json $(shell find web/pages web/app web/client/src -type f))
	@$(BIN)/python hatch_build.py
	@touch $@
