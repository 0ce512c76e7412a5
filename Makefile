# Machimori: `make demo` shows the whole system on a simulated town, `make test` proves it.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
VENV := .venv
BIN := $(VENV)/bin
WEB := $(shell find gateway/web -path '*/node_modules' -prune -o -path '*/dist' -prune -o -type f -print 2>/dev/null)

.PHONY: help setup demo test test-bluez fuzz chaos check bench packages requirements clean

help:
	@echo 'make demo    the whole system on a simulated town, with a page to look at; BLUEZ=1: with'
	@echo '             Bluetooth adapters of its own, on a simulated BlueZ'
	@echo 'make test    every test (as root on Debian it installs the services they need)'
	@echo 'make test-bluez  the radio with a real BlueZ, in emulated machines; the first time as root'
	@echo 'make fuzz    hostile bytes for all that reads the air; SECONDS=600 for each reader'
	@echo 'make chaos   some 200 faults on purpose, and what they cost; SEED=7 FAULTS=40 ONLY=WAL replays some'
	@echo 'make check   linters, types, import layers'
	@echo 'make bench   what it can do: a table, and JSON in .bench/'

setup: $(VENV)/.ready

$(VENV)/.ready: requirements.txt pyproject.toml $(WEB)
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
	  || { echo 'Python 3.11 or later is needed: make PYTHON=/path/to/python3.11 …'; exit 1; }
	@test -x $(BIN)/pip || $(PYTHON) -m venv $(VENV) \
	  || { echo 'No venv module: on Debian, apt install python3-venv, then make again.'; exit 1; }
	$(BIN)/pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	$(BIN)/pip install --quiet --disable-pip-version-check --no-deps -e .
	@touch $@

demo: setup
	$(BIN)/machimori demo $(if $(BLUEZ),--bluez)

test: setup packages
	$(BIN)/python -m gateway.tags.warming # compiled once, not by each of the tests' processes
	$(BIN)/pytest --numprocesses=auto tests/unit
	$(BIN)/pytest --numprocesses=auto --dist=loadscope tests/accuracy
	$(BIN)/pytest tests/integration tests/system # one after the other: what they time is real

test-bluez: setup
	$(BIN)/python -m tests.bluez.machine.image # built once: some minutes
	$(BIN)/pytest tests/bluez/machine

fuzz: SECONDS = 60
fuzz: setup
	@$(BIN)/python -c 'import atheris' 2>/dev/null \
	  || $(BIN)/pip install --quiet --disable-pip-version-check 'atheris>=3.0'
	$(BIN)/python -m tests.fuzz --seconds $(SECONDS)

chaos: setup packages
	$(BIN)/python -m gateway.tags.warming
	$(BIN)/python -m tests.system.chaos $(if $(SEED),--seed $(SEED)) $(if $(FAULTS),--faults $(FAULTS)) \
	  $(if $(ONLY),--only '$(ONLY)')

check: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports

bench: setup
	$(BIN)/python -m tests.bench

packages:
	@sh .ci/packages

requirements: # after a change of dependencies in pyproject.toml; needs uv
	uv pip compile --quiet --universal --python-version 3.11 --extra dev --generate-hashes \
	  --no-header --no-emit-index-url --upgrade -o requirements.txt pyproject.toml

clean:
	rm -rf $(VENV) gateway/web/node_modules gateway/web/dist .demo .bench .bluez .fuzz
