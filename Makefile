# Everything a visitor needs: `make run` starts Toolcrib with its demo, `make test` proves it. Needs Python 3.11 or newer, and make.

PYTHON ?= $(shell command -v python3.11 || command -v python3 || echo python3)
BIN := .venv/bin
CODE := gateway toolsets registry toolpacks tests benchmarks examples manage.py
WORKERS ?= auto
ARGS ?=

.DEFAULT_GOAL := environment
.PHONY: environment run test browser conformance journeys check format bench peers clean

environment: $(BIN)/.runtime  ## the virtual environment, from the lock

$(BIN)/.made:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null \
		|| { echo "Toolcrib needs Python 3.11 or newer; $(PYTHON) is not. Say which to use: make PYTHON=/path/to/python3.11"; exit 1; }
	$(PYTHON) -m venv .venv
	@touch $@

$(BIN)/.runtime: requirements.lock $(BIN)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	@touch $@

$(BIN)/.dev: requirements-dev.lock $(BIN)/.made
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements-dev.lock
	@touch $@ $(BIN)/.runtime

run: $(BIN)/.runtime  ## start Toolcrib with its demo; Ctrl-C stops all of it
	@exec $(BIN)/python manage.py run

test: $(BIN)/.dev  ## every test this machine can run, on SQLite or on DATABASE_URL
	$(BIN)/python -m pytest -n $(WORKERS) $(ARGS)

browser: $(BIN)/.dev  ## the tests that drive Chromium
	$(BIN)/python -m pytest -n 0 -m browser $(ARGS)

conformance: $(BIN)/.dev  ## the official MCP conformance suite, run through the gateway
	$(BIN)/python -m pytest -n 0 -v tests/conformance $(ARGS)

journeys: $(BIN)/.dev  ## whole stories, with servers and clients of other people
	$(BIN)/python -m pytest -n 0 -v tests/journeys $(ARGS)

peers: $(BIN)/.dev  ## install the programs of other people that conformance and journeys use (needs npm)
	$(BIN)/python -m tests.peers

check: $(BIN)/.dev  ## format, lint, types, import contracts, migrations, system checks
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy $(CODE)
	$(BIN)/lint-imports
	$(BIN)/python manage.py makemigrations --check --dry-run
	$(BIN)/python manage.py check --fail-level WARNING

format: $(BIN)/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: $(BIN)/.dev  ## how fast it is, side by side with peers
	$(BIN)/python -m benchmarks $(ARGS)

clean:  ## forget the environment; data in var/ stays
	rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .import_linter_cache
