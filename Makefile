# Every target does its own set-up. `make help` lists them.
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
MAKEFLAGS += --no-print-directory

VENV ?= .venv
PORT ?= 8000
ARGS ?=
PROCESSES ?= auto
PY := $(VENV)/bin/python
say = printf '%s\n' $(1) >&2

# Where `make test-services` looks for the real ones.
SERVICES_DATABASE_URL ?= postgresql://postgres@127.0.0.1:5432/hub_services
SERVICES_REDIS_URL ?= redis://127.0.0.1:6379/0
SERVICES_RABBITMQ_URL ?= amqp://guest:guest@127.0.0.1:5672//

.PHONY: help
help: ## This list
	@echo "The intelligence-sharing hub. make demo is the place to begin."
	@echo
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)
	@echo
	@echo "  PORT=8001 make demo       another port        PYTHON=python3.12 make test   another Python"
	@echo "  ARGS='-k outbox' make test   some tests       HUB_HOME=/srv/hub make demo   another folder for data"
	@echo "  PROCESSES=0 make test        in one process, for a debugger or little memory"

.PHONY: demo
demo: $(VENV)/.base ## Start everything, run the main job, show what matched; Ctrl-C stops it
	@$(call say,"4/4 Starting the hub")
	@exec $(PY) -m hub.launcher demo --port "$(PORT)" $(ARGS)

.PHONY: up
up: $(VENV)/.base ## Start everything without demo data; Ctrl-C stops it
	@$(call say,"4/4 Starting the hub")
	@exec $(PY) -m hub.launcher up --port "$(PORT)" $(ARGS)

.PHONY: stop
stop: $(VENV)/.base ## Stop the hub that runs in another terminal
	@exec $(PY) -m hub.launcher stop

.PHONY: smoke
smoke: $(VENV)/.base ## Run the main job once, in a temporary folder on free ports; prints one line of JSON
	@$(call say,"4/4 Running the main job once")
	@exec $(PY) -m hub.launcher smoke $(ARGS)

.PHONY: test
test: $(VENV)/.dev chromium ## All tests, on the embedded PostgreSQL, in a process for each core
	@$(call say,"4/4 Running the tests")
	@exec $(PY) -m pytest $(if $(filter-out 0,$(PROCESSES)),-n $(PROCESSES)) $(ARGS)

.PHONY: test-services
test-services: $(VENV)/.dev ## The tests that prove it on PostgreSQL with Redis, then with RabbitMQ, on 127.0.0.1
	@$(call say,"4/4 Running the tests on real services")
	@for broker in "$(SERVICES_REDIS_URL)" "$(SERVICES_RABBITMQ_URL)"; do \
	  echo "== PostgreSQL with $${broker%%:*} ==" >&2; \
	  DATABASE_URL="$(SERVICES_DATABASE_URL)" BROKER_URL="$$broker" \
	    $(PY) -m pytest -m services $(SERVICES_TESTS) $(ARGS) || exit 1; \
	done
# Only the files that bear the mark: to read all others takes longer than to start a hub.
SERVICES_TESTS = $$(grep -rl --include='test_*.py' 'mark\.services' tests | sort)

.PHONY: lint
lint: $(VENV)/.dev ## Style, floors and types
	@$(call say,"4/4 Checking style$(comma) floors and types")
	@$(PY) -m ruff check .
	@$(PY) -m ruff format --check --quiet . || { echo "Some files are not formatted: run make format." >&2; exit 1; }
	@$(VENV)/bin/lint-imports
	@$(PY) -m mypy
	@$(PY) -m mypy --config-file client/pyproject.toml
	@long=$$(git ls-files '*.py' | xargs wc -l | awk '$$2 != "total" && $$1 > 400 { print $$2 " has " $$1 " lines" }'); \
	  if [ -n "$$long" ]; then echo "$$long (400 is the most: split by noun)." >&2; exit 1; fi

.PHONY: format
format: $(VENV)/.dev ## Format the code and mend what ruff can mend
	@$(PY) -m ruff check --fix --quiet . ; $(PY) -m ruff format --quiet .

.PHONY: bench
bench: $(VENV)/.base ## Time a page of signals at 200,000 signals, on a database of its own
	@HUB_HOME="$${HUB_HOME:-var}/bench" $(PY) -m hub.launcher manage bench_visibility $(ARGS)

.PHONY: bench-bulk
bench-bulk: $(VENV)/.base ## Time bulk uploads into a hub with a million signals, on a database of its own
	@HUB_HOME="$${HUB_HOME:-var}/bench" $(PY) -m hub.launcher manage bench_bulk $(ARGS)

.PHONY: bench-feed
bench-feed: $(VENV)/.base ## Time reading a million signals through the feed, on a database of its own
	@HUB_HOME="$${HUB_HOME:-var}/bench" $(PY) -m hub.launcher manage bench_feed $(ARGS)

.PHONY: bench-lookups
bench-lookups: $(VENV)/.base ## Time look-ups at a million hashes through gunicorn, on a database of its own
	@HUB_HOME="$${HUB_HOME:-var}/bench" $(PY) -m hub.launcher manage bench_lookups $(ARGS)

.PHONY: bench-matching
bench-matching: $(VENV)/.dev ## Time near matching beside a scan; beside its peers too where they are installed
	@$(PY) manage.py bench_matching $(ARGS)

.PHONY: bench-client
bench-client: $(VENV)/.dev ## Time the client's hashing of pictures, and its memory over many files
	@PYTHONPATH=client/src $(PY) client/bench/hashing.py $(ARGS)

.PHONY: bench-copies
bench-copies: $(VENV)/.dev ## Time storing a member's copy and looking up in it offline
	@PYTHONPATH=client/src $(PY) client/bench/copies.py $(ARGS)

.PHONY: bench-pipeline
bench-pipeline: $(VENV)/.base ## Time the way from a submission to a readable match at a million stored hashes
	@HUB_HOME="$${HUB_HOME:-var}/bench" $(PY) -m hub.launcher manage bench_pipeline $(ARGS)

.PHONY: bench-identifiers
bench-identifiers: $(VENV)/.base ## Time the evaluation of blinded identifiers through gunicorn
	@HUB_HOME="$${HUB_HOME:-var}/bench" $(PY) -m hub.launcher manage bench_identifiers $(ARGS)

.PHONY: soak
soak: $(VENV)/.dev ## The long forms of the tests that kill processes (an hour)
	@$(call say,"4/4 Running the long tests")
	@HUB_LONG=1 $(PY) -m pytest -rP -m slow $(ARGS)

.PHONY: lock
lock: $(VENV)/.dev ## Write requirements/ from pyproject.toml (ARGS=--upgrade: newest versions)
	@$(VENV)/bin/uv $(LOCK) --extra embedded -o requirements/base.txt
	@$(VENV)/bin/uv $(LOCK) --extra embedded --extra accel --extra client --extra dev -o requirements/dev.txt
	@$(VENV)/bin/uv $(LOCK) --extra accel --constraint requirements/dev.txt -o requirements/production.txt
LOCK := pip compile -q --universal --python-version 3.11 --generate-hashes --no-emit-index-url \
  --no-header --no-annotate $(ARGS) pyproject.toml

.PHONY: clean-demo
clean-demo: ## Delete the demo's database, keys and logs
	@if [ -x $(PY) ]; then $(PY) -m hub.launcher clean; else rm -rf var; echo "Deleted var"; fi

.PHONY: clean
clean: clean-demo ## Delete all that was made here, the virtual environment too
	@rm -rf $(VENV) .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache build staticfiles
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +

# --- Set-up: a stamp file for each set of requirements -------------------------------------------------------------
comma := ,
PIP_LOG = $(VENV)/pip.log

# --no-deps: the files name every package with its hash, so there is nothing left to resolve.
define install
@$(call say,"3/4 Installing $(1) (a minute the first time)")
@$(PY) -m pip install --quiet --disable-pip-version-check --no-input --no-deps --require-hashes -r $(1) \
  >$(PIP_LOG) 2>&1 || { \
  echo "The packages of $(1) could not be installed: check the network and the disk, then run make again." >&2; \
  echo "Details: $(PIP_LOG)" >&2; exit 1; }
@touch $@
endef

$(VENV)/.base: pyproject.toml requirements/base.txt | $(VENV)/.python
	$(call install,requirements/base.txt)

$(VENV)/.dev: pyproject.toml requirements/dev.txt | $(VENV)/.python
	$(call install,requirements/dev.txt)
	@touch $(VENV)/.base

# The first that really runs and is 3.11 to 3.13: a pyenv shim, for example, may exist and not run.
$(VENV)/.python:
	@found=; for python in $${PYTHON:-python3 python3.13 python3.12 python3.11}; do \
	  if "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' 2>/dev/null; \
	  then found=$$python; break; fi; done; \
	if [ -z "$$found" ] && [ -n "$$PYTHON" ]; then \
	  version=$$("$$PYTHON" -c 'import platform; print(platform.python_version())' 2>/dev/null) && \
	    said="is $$version" || said="can't be run"; \
	  echo "PYTHON=$$PYTHON $$said: name a Python 3.11, 3.12 or 3.13, or none" \
	    "(apt-get install python3 python3-venv)." >&2; exit 1; fi; \
	if [ -z "$$found" ]; then \
	  echo "No Python 3.11, 3.12 or 3.13 here: apt-get install python3 python3-venv, or PYTHON=/path/to/python make." >&2; \
	  exit 1; fi; \
	if ! "$$found" -c 'import ensurepip, venv' 2>/dev/null; then \
	  echo "$$found has no venv module: apt-get install python3-venv, then run make again." >&2; exit 1; fi; \
	echo "1/4 Using $$("$$found" --version)" >&2; echo "2/4 Making the virtual environment $(VENV)" >&2; \
	"$$found" -m venv $(VENV) >&2 || { \
	  echo "The virtual environment could not be made: is there space, and is this folder yours?" >&2; exit 1; }
	@touch $@

# Browser tests drive Debian's Chromium. Without it they are skipped, and say so.
.PHONY: chromium
chromium:
	@command -v chromium >/dev/null 2>&1 && exit 0; \
	if command -v apt-get >/dev/null 2>&1; then \
	  sudo=; [ "$$(id -u)" = 0 ] || sudo="sudo -n"; \
	  if [ -z "$$sudo" ] || $$sudo true 2>/dev/null; then \
	    echo "    Installing Chromium for the browser tests" >&2; \
	    { $$sudo apt-get update -qq && \
	      $$sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends chromium; \
	    } >/dev/null 2>&1; \
	  fi; \
	fi; \
	command -v chromium >/dev/null 2>&1 || \
	  echo "    Browser tests will be skipped: there is no Chromium (apt-get install chromium)." >&2

.DEFAULT:
	@echo "There is no target $@: make help lists them." >&2; exit 1
