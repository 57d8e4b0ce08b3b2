# make app    sets everything up on a fresh machine and opens the app (a demo that needs no network is on its first page)
# make test   installs what the tests need and runs them; CI=1 runs the slow ones too and turns skips into failures
# make bench  runs every measurement and prints its figures

PYTHON ?= python3
BIN := .venv/bin

.PHONY: app test lint bench clean

app: .venv/app
	$(BIN)/streamlit run app.py

test: .venv/test lint
	$(BIN)/python -m pytest

lint: .venv/test
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

bench: .venv/test
	for bench in tests/bench/*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

.venv/bin/uv:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Winnow needs Python 3.11 or newer; '$(PYTHON)' is older. Say which: make app PYTHON=python3.12"; exit 1; }
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet uv

.venv/app: requirements.txt | .venv/bin/uv
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r requirements.txt
	touch $@

.venv/test: tests/requirements.txt .venv/app
	$(BIN)/uv pip install --quiet --python $(BIN)/python -r tests/requirements.txt
	command -v chromium >/dev/null || command -v google-chrome >/dev/null || \
		{ command -v apt-get >/dev/null && apt-get update -qq && apt-get install -y -qq chromium; } || \
		echo "No Chromium could be installed: the browser tests will skip."
	touch $@

clean:
	rm -rf .venv .pytest_cache .ruff_cache
