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

# One process a core, one thread a process. Without XLA's fusion emitters the tests' programs
# compile three times as fast. Golden outputs need the compiler options of their recording; the
# numeric tests marked "optimized" run with all optimizations, as users have it.
FAST = XLA_FLAGS=--xla_cpu_use_fusion_emitters=0
PYTEST = $(BIN)/python -m pytest -n auto --maxprocesses 4
OPTIMIZED = $(shell grep -rl --include='test_*.py' mark.optimized tests)
test: export OMP_NUM_THREADS = 1
test: export OPENBLAS_NUM_THREADS = 1
test: env
	$(FAST) $(PYTEST) --dist loadfile --durations 25 -m "not golden and not optimized and not slow"
	$(PYTEST) -m golden tests/golden
	L2C_XLA_OPTIMIZED=1 $(PYTEST) -m "optimized and not slow" $(OPTIMIZED)
	$(BIN)/python tests/installed.py

# the slow truths too, before a release
test-all: export OMP_NUM_THREADS = 1
test-all: export OPENBLAS_NUM_THREADS = 1
test-all: test
	$(PYTEST) -m slow tests

clean:
	rm -rf .venv build dist docs/_build *.egg-info .pytest_cache .ruff_cache .mypy_cache
