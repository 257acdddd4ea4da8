# Everything from nothing but Python >= 3.11 and make.
PYTHON ?= python3
BIN := .venv/bin

.PHONY: env demo test test-all lint format clean

env: .venv/ready

.venv/ready: requirements.txt pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "l2c_jax needs Python 3.11 or newer; set PYTHON=..." >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --requirement requirements.txt
	$(BIN)/python -m pip install --quiet --no-deps --no-build-isolation --editable .
	@touch $@

demo: env
	$(BIN)/l2c demo

lint: env
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

format: env
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

# warnings are errors; nothing is fetched
.PHONY: docs
docs: env
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo docs/_build/html/index.html

# one process a core, one thread a process
test: export OMP_NUM_THREADS = 1
test: export OPENBLAS_NUM_THREADS = 1
test: env
	$(BIN)/python -m pytest -n auto --maxprocesses 4 --dist loadfile --durations 25
	L2C_XLA_OPTIMIZED=1 $(BIN)/python -m pytest -n auto --maxprocesses 4 -m "optimized and not slow" tests
	$(BIN)/python tests/installed.py

# the slow truths too, before a release
test-all: export OMP_NUM_THREADS = 1
test-all: export OPENBLAS_NUM_THREADS = 1
test-all: test
	$(BIN)/python -m pytest -n auto --maxprocesses 4 -m slow tests

clean:
	rm -rf .venv build dist docs/_build *.egg-info .pytest_cache .ruff_cache .mypy_cache
