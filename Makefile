# The interpreter that makes the environment: CPython 3.10 to 3.14.
PYTHON ?= python3
# How long `make fuzz` takes.
SECONDS ?= 60

BIN := .venv/bin
PIP_FLAGS := --quiet --disable-pip-version-check

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help env demo test test-all fuzz test-gpu check bench-env bench clean

help: ## Show this list.
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "%-12s%s\n", $$1, $$2 }' $(MAKEFILE_LIST)

env: .venv/.made ## Make the environment in .venv.

.venv/.made: pyproject.toml
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install $(PIP_FLAGS) --editable '.[test]'
	touch $@

demo: env ## Train a classifier of handwritten digits with one compiled step.
	$(BIN)/catgrad train digits

test: env ## Run the tests, but for the slow ones.
	$(BIN)/pytest -q -n auto --dist worksteal -m 'not slow and not gpu'
	$(BIN)/lit -q lit_tests

test-all: env ## Run every test that needs no GPU.
	$(BIN)/pytest -q -n auto --dist worksteal -m 'not gpu'
	$(BIN)/lit -q lit_tests

fuzz: env ## Try random programs and files for SECONDS; what fails is made small and kept in build/fuzz.
	PYTHONPATH=tests/support $(BIN)/python -m fuzz --seconds $(SECONDS)

test-gpu: env ## Run the tests on the GPU that is there.
	$(BIN)/pytest -q -rs -m gpu

check: env ## Look for mistakes of style and type.
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/python tools/typing_tree.py
	$(BIN)/mypy -p catgrad

bench-env: bench/.venv/.made ## Make the environment of the benchmarks, with the libraries compared against (2 GB).

bench/.venv/.made: pyproject.toml bench/requirements.txt
	$(PYTHON) -m venv bench/.venv
	bench/.venv/bin/python -m pip install $(PIP_FLAGS) --editable . --requirement bench/requirements.txt
	bench/.venv/bin/python -m pip install $(PIP_FLAGS) --no-deps open-hypergraphs==0.1.3
	touch $@

bench: bench-env ## Compare with other libraries on this machine.
	bench/.venv/bin/python -m bench

clean: ## Remove what was made: environments, builds, caches and training runs.
	rm -rf .venv bench/.venv build runs .mypy_cache .pytest_cache .ruff_cache .hypothesis *.egg-info
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
