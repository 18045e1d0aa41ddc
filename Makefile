# Every target is one thing a person wants; `make` alone lists them.
PYTHON ?= python3
BIN := .venv/bin
RUNTIME := .venv/.runtime
DEV := .venv/.dev
MESH := .venv-mesh/.installed
# Tests run abreast. A virtual host that is given is one for all of them: then they run one after another.
ABREAST := $(if $(HUB_TEST_AMQP_URL),,-n auto --maxprocesses 4 --dist worksteal)

.DEFAULT_GOAL := help
.PHONY: help setup demo test test-embedded check bench faults soak fuzz lock docs clean

help:  ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):[^#]*## */  make \1\t/' | expand -t 24

setup: $(RUNTIME)  ## make .venv with the hub command in it

demo: $(RUNTIME)  ## the whole story on this machine: laboratories, records, the clerks' queue
	@$(BIN)/hub demo

test: $(DEV) $(MESH)  ## every test, on private PostgreSQL and RabbitMQ servers too
	@$(BIN)/python -m tests.servers.install postgresql rabbitmq
	$(BIN)/python -m pytest $(ABREAST)

test-embedded: $(DEV)  ## the small run: no servers, the embedded hub alone
	HUB_TEST_ROADS=embedded $(BIN)/python -m pytest -m "not servers" $(ABREAST)

check: $(DEV)  ## style, types, the import staircase, mapping tables, generated documents
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/hub check
	$(BIN)/hub docs --check

bench: $(DEV)  ## speeds and rates, medians and ratios of things run side by side, with real servers too
	@$(BIN)/python -m tests.servers.install postgresql rabbitmq
	$(BIN)/python -m tests.bench

docs: $(RUNTIME)  ## write the generated documents afresh
	$(BIN)/hub docs

faults: $(DEV) $(MESH)  ## the full counts behind the short forms of make test: kills, cuts, wiped servers, every sample
	@$(BIN)/python -m tests.servers.install
	HUB_TEST_KILLS=40 HUB_TEST_FAULTS=20000 $(BIN)/python -m pytest tests/journeys/test_kill.py tests/journeys/test_faults.py -s
	HUB_TEST_ALL=1 $(BIN)/python -m pytest tests/promises tests/formats tests/flow tests/domain/test_many_histories.py --timeout 3600

soak: $(DEV)  ## long runs at the full counts: a day of PDS, letters by senders that are killed, a year of 100,000 people
	@$(BIN)/python -m tests.servers.install postgresql
	$(BIN)/python -m tests.soak

fuzz: $(DEV)  ## ten minutes of coverage-guided fuzzing for every reader of bytes from outside (FUZZ=... says which)
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-fuzz.lock
	$(BIN)/python -m tests.fuzz $(FUZZ)

lock: $(DEV)  ## compile the lock files anew from pyproject.toml
	$(BIN)/python tests/lock.py

clean:  ## remove what setup and the demo made
	rm -rf .venv .venv-mesh .hub *.egg-info .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache

# pip comes last into a new environment: if it is there, nothing was cut short.
.venv/bin/pip:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || \
	  { echo 'The hub needs Python 3.11 or newer as "$(PYTHON)". On Debian 12: apt-get install python3'; exit 2; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
	  { echo 'Python has no venv module. On Debian: apt-get install python3-venv'; exit 2; }
	@echo 'Making .venv ...'
	@rm -rf .venv
	@$(PYTHON) -m venv .venv

$(RUNTIME): .venv/bin/pip requirements.lock pyproject.toml
	@echo 'Installing the locked dependencies ...'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation -e .
	@touch $@

$(DEV): $(RUNTIME) requirements-dev.lock
	@echo 'Installing the locked development tools ...'
	@$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@

# NHS England's MESH server, for the tests alone: it pins its libraries to versions of its own.
$(MESH): .venv/bin/pip requirements-mesh.lock
	@echo 'Installing the locked MESH sandbox ...'
	@rm -rf .venv-mesh
	@$(PYTHON) -m venv .venv-mesh
	@.venv-mesh/bin/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-mesh.lock
	@touch $@
