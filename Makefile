# Two commands: `make demo` installs what is needed and measures the embedded model; `make test` installs the rest and checks everything.
PYTHON ?= python3
VENV ?= .venv
BIN = $(VENV)/bin
PIP = $(BIN)/pip --disable-pip-version-check install --quiet --constraint constraints.txt
RESULTS = lsgap_results
SOURCES = pyproject.toml constraints.txt

.PHONY: demo test lint types clean

demo: $(VENV)/installed
	$(BIN)/lsgap run --systems base,cascade,lslm --output_path $(RESULTS)/demo
	$(BIN)/lsgap leaderboard add $(RESULTS)/demo --records $(RESULTS)/leaderboard/records
	$(BIN)/lsgap leaderboard build --records $(RESULTS)/leaderboard/records --out $(RESULTS)/leaderboard/site

test: $(VENV)/installed-dev lint types
	$(BIN)/pytest --numprocesses 2 --dist loadfile $(if $(or $(SLOW),$(CI)),,-m "not slow")

lint: $(VENV)/installed-dev
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

types: $(VENV)/installed-dev
	$(BIN)/mypy

$(VENV)/installed: $(SOURCES)
	$(PYTHON) -m venv $(VENV)
	$(PIP) torch
	$(PIP) --editable .
	touch $@

$(VENV)/installed-dev: $(VENV)/installed
	$(PIP) --editable ".[dev]"
	touch $@

clean:
	rm -rf $(VENV) $(RESULTS) leaderboard/site dist
