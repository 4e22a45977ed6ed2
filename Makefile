# `make` sets everything up and runs the studies; `make test` sets everything up and passes the tests. With JAX=1 the
# second engine is installed too, with GPU=1 what the engines need of CUDA (Linux, with NVIDIA's driver), or both.
PYTHON ?= python3
BIN := .venv/bin
WITH := $(if $(filter 1,$(JAX)),jax) $(if $(filter 1,$(GPU)),gpu) $(if $(filter 11,$(JAX)$(GPU)),jax-gpu)
EXTRAS := $(patsubst %,$(BIN)/ready-%,$(WITH))
export PATH := $(CURDIR)/$(BIN):$(PATH)

# Another kind of machine may give other bits: `verify` says so at the end, and that is no failure.
repro: setup
	python -m batchwise repair
	python -m batchwise check
	dvc repro
	python -m batchwise verify || true

setup: $(BIN)/ready $(EXTRAS)
ifeq ($(GPU),1)
	python -m batchwise machine
endif

$(BIN)/ready: requirements.txt
	$(PYTHON) -c 'import sys; sys.exit(None if (3, 11) <= sys.version_info < (3, 14) else "batchwise needs Python 3.11 to 3.13; this is " + sys.version.split()[0] + ": make PYTHON=python3.12")'
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.txt
	touch $@

$(BIN)/ready-%: requirements-%.txt $(BIN)/ready
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r $<
	touch $@

test: $(BIN)/ready-dev $(EXTRAS)
	ruff check .
	ruff format --check .
	lint-imports --no-logo
	mypy
	TESTED_ENGINE=jax pytest $(TOGETHER) $(COUNT_ON_JAX) $(ON_JAX)
	pytest $(TOGETHER) $(COUNT)

# `make coverage` does what `make test` does, and counts the lines that ran, which takes a quarter of the time again.
coverage: COUNT_ON_JAX := --cov --cov-report=
coverage: COUNT := --cov --cov-append --cov-report term --cov-fail-under 90
coverage: test

lock: $(BIN)/ready-dev
	uv pip compile $(LOCK) requirements.in -o requirements.txt
	for extra in dev jax gpu jax-gpu; do uv pip compile $(LOCK) requirements-$$extra.in -o requirements-$$extra.txt || exit 1; done

figure: repro
	python -m stages.figure digits_mlp

# Of the tests of the engine, all of which pass on JAX (docs/engines.md): what it computes; the longest file first.
ON_JAX := $(addprefix tests/training/test_,updates.py folds.py evaluation.py phases.py lanes.py trainer.py products.py endings.py)
ON_JAX += $(addprefix tests/,measuring/landscape models/test_recurrent.py tasks/test_detection.py tasks/test_tasks.py)
ON_JAX += $(addprefix tests/,models/test_dropout.py tasks/test_own_tasks.py runtime/test_engine.py)
ON_JAX += tests/execution/test_short_runs.py
TOGETHER := --numprocesses 2 --dist loadfile --no-loadscope-reorder
LOCK := --quiet --no-strip-extras --universal --generate-hashes --fork-strategy fewest --python-version 3.11 --no-annotate --no-header

.DEFAULT_GOAL := repro
.NOTPARALLEL: # one pip at a time
.PHONY: repro setup test coverage lock figure
