# make demo   sets up, and mattes the example plate
# make test   sets up, and runs the whole suite
# make check  lint, types and the import rule of the house
PYTHON ?= python3
VENV ?= .venv
BIN := $(VENV)/bin
export NUKE_MATTING_CACHE ?= $(CURDIR)/demo/cache

.PHONY: demo test check wheel clean

$(VENV)/installed: pyproject.toml constraints.txt
	$(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install -q --upgrade pip
	$(BIN)/python -m pip install -q -c constraints.txt torch
	$(BIN)/python -m pip install -q -c constraints.txt -e ".[dev,train]"
	touch $@

demo: $(VENV)/installed
	$(BIN)/python examples/demo.py

# a thread for each of the two processes: more of them would wait for each other
test: export OMP_NUM_THREADS ?= 1
test: export NUMBA_NUM_THREADS ?= 1
test: $(VENV)/installed
	$(BIN)/python -m pytest -n 2 --dist worksteal

check: $(VENV)/installed
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/python -m pytest tests/test_house.py

wheel: $(VENV)/installed
	$(BIN)/python -m build --wheel --no-isolation

clean:
	rm -rf $(VENV) demo build dist
