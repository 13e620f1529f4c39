# Everything runs in .venv, which `make setup` fills with the versions of constraints.txt.
# Any Python from 3.11 on will do; 3.11 comes first, as what the versions are tested with.
PYTHON ?= $(shell for python in python3.11 python3.12 python3.13 python3.14 python3; do \
	$$python -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null && echo $$python && break; done)
BIN := .venv/bin
SIDE_BY_SIDE := -n 2 --dist worksteal

.PHONY: help setup test bare lowest lint format demo wheels docs clean

help:  ## Show this list
	@awk -F ':.*## ' '/^[a-z]+:.*## / {printf "make %-8s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

setup: .venv/stamp  ## Install the package and its tools into .venv

# PyTorch comes first and pinned: without a pin, pip fetches gigabytes of CUDA.
.venv/stamp: pyproject.toml constraints.txt setup.py $(wildcard src/m2t/*/_*.c core/*.[ch] core/*/*.h)
	@test -n "$(PYTHON)" || { echo 'No Python from 3.11 on: name one, as PYTHON=...' >&2; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/pip install -q -c constraints.txt torch numpy
	$(BIN)/pip install -q -c constraints.txt -e '.[dev]'
	touch $@

test: setup  ## Run the tests
	$(BIN)/pytest $(SIDE_BY_SIDE)

# What runs does so without PyTorch and without a compiler: from a wheel, in an environment that has neither.
bare: .venv/wheels  ## Run the tests of what runs from a wheel, without PyTorch (Linux)
	$(BIN)/python runs/wheels.py manylinux_2_17_$$(uname -m)
	rm -rf build/bare
	$(BIN)/python -m venv --without-pip build/bare
	$(BIN)/pip --python build/bare/bin/python install -q -c constraints.txt build/wheels/m2t-*-manylinux_2_17_$$(uname -m).whl
	du -sm build/bare/lib | awk '{ print $$1 " MB installed"; exit $$1 > 130 }'
	$(BIN)/pip --python build/bare/bin/python install -q -c constraints.txt pytest pytest-xdist hypothesis scipy constriction
	build/bare/bin/python -c "import importlib.util as u; assert not u.find_spec('torch')"
	build/bare/bin/pytest $(SIDE_BY_SIDE) --ignore-glob 'tests/learn*' --ignore tests/research --ignore tests/eval

# What pyproject.toml says of the oldest versions is true; licences are told by today's.
lowest: .venv/wheels  ## Run the same tests with the oldest versions of what m2t needs (Linux)
	$(BIN)/python runs/wheels.py manylinux_2_17_$$(uname -m)
	rm -rf build/lowest
	$(BIN)/python -m venv --without-pip build/lowest
	$(BIN)/python runs/lowest.py > build/lowest/versions.txt
	$(BIN)/pip --python build/lowest/bin/python install -q -c build/lowest/versions.txt \
		build/wheels/m2t-*-manylinux_2_17_$$(uname -m).whl pytest pytest-xdist hypothesis scipy constriction
	build/lowest/bin/pytest $(SIDE_BY_SIDE) --ignore-glob 'tests/learn*' --ignore tests/research --ignore tests/eval \
		--ignore tests/test_dependencies.py

lint: setup  ## Check format, style and types
	$(BIN)/ruff format --check
	$(BIN)/ruff check
	$(BIN)/pyright

format: setup  ## Format the code and fix what can be fixed
	$(BIN)/ruff format
	$(BIN)/ruff check --fix

demo: setup  ## Compress a photograph at three qualities and show the result
	$(BIN)/python examples/demo.py

wheels: .venv/wheels  ## Build and check wheels for Linux, macOS and Windows into build/wheels
	$(BIN)/python runs/wheels.py

.venv/wheels: .venv/stamp
	$(BIN)/pip install -q -c constraints.txt -e '.[wheels]'
	touch $@

# Not --quiet: what is not told does not count as a warning either.
docs: .venv/docs  ## Build the documents as a site, build/site/index.html
	NO_MKDOCS_2_WARNING=1 $(BIN)/mkdocs build --strict

.venv/docs: .venv/stamp
	$(BIN)/pip install -q -c constraints.txt -e '.[docs]'
	touch $@

clean:  ## Remove what the other targets made
	rm -rf .venv build *.egg-info src/*.egg-info .pytest_cache .ruff_cache
