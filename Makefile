# Two commands are enough: `make report MODEL=resnet50` and `make test`. Each sets up .venv by itself.
MODEL ?= resnet50
SOURCES ?= ../shared/sources
VENV := .venv
BIN := $(VENV)/bin
PYTHON ?= $(shell for p in python3 python3.14 python3.13 python3.12 python3.11 python; do \
	$$p -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null && echo $$p && break; done)

.PHONY: help setup lab app report reports site test bench data notebooks workshop slides workshop-check lint clean

help:
	@echo "make report MODEL=resnet50   one report: reports/resnet50.html and reports/resnet50.json"
	@echo "make reports                 every model into reports/index.html, only what changed; ARGS=\"--task other --jobs 4\""
	@echo "make site                    the same with the workbook's notebooks"
	@echo "make lab                     JupyterLab on notebooks/00_start_here.ipynb"
	@echo "make app                     the explorer as a page without code, on this machine only"
	@echo "make test                    every test"
	@echo "make bench                   measured speed of imports, loading and reports"
	@echo "make data                    rebuild data/ from SOURCES=$(SOURCES)"
	@echo "make notebooks               execute the notebooks and store their outputs"
	@echo "make workshop                the learners' copies of the workshop's solution notebooks"
	@echo "make slides                  slides of the workshop into build/slides/index.html"
	@echo "make workshop-check          is this machine ready for the workshop? answered in ten seconds, without a network"
	@echo "make lint                    ruff over code and notebooks"

# Installed again only when the lock or the project's own metadata changed in content, whatever the file times say.
setup:
	@cat requirements.lock pyproject.toml | cmp -s - $(VENV)/.installed || $(MAKE) --no-print-directory $(VENV)/.installed

.PHONY: $(VENV)/.installed
$(VENV)/.installed:
	@test -n "$(PYTHON)" || { echo "Python 3.11 or newer is needed and was not found; name one: make PYTHON=/path/to/python3"; exit 1; }
	$(PYTHON) -m venv --clear $(VENV) || { echo "no virtual environment could be made; on Debian and Ubuntu: apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements.lock
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation --no-index -e .
	@cat requirements.lock pyproject.toml > $(VENV)/.installed

# Jupyter refuses to run as root, as in many containers, unless told that it may.
lab: setup
	$(BIN)/jupyter lab $(if $(filter 0,$(shell id -u)),--allow-root) notebooks/00_start_here.ipynb

# Voilà, with our settings and a page that asks no other machine for anything.
app: setup
	JUPYTER_PATH=notebooks/app JUPYTER_CONFIG_PATH=notebooks/app $(BIN)/voila notebooks/10_decide.ipynb

report: setup
	$(BIN)/hwlib report $(MODEL) --out reports

reports: setup
	$(BIN)/hwlib reports $(or $(ARGS),--all) --out reports

site: reports
	$(BIN)/hwlib site --out reports $(filter-out notebooks/model_report.ipynb,$(wildcard notebooks/*.ipynb notebooks/workshop/*.ipynb))

slides: setup
	$(BIN)/hwlib workshop slides

# No setup: it must tell, and quickly, that nothing is set up yet; the module needs no package to say so.
workshop-check:
	@$(or $(wildcard $(BIN)/python),$(PYTHON),python3) -m hwlib.workshop.ready

test: setup
	$(BIN)/python tests/get_browser.py
	$(BIN)/python -m pytest

bench: setup
	$(BIN)/python tests/perf/bench.py
	$(BIN)/python tests/perf/bench_reports.py

data: setup
	$(BIN)/hwlib data build $(SOURCES)
	$(BIN)/hwlib data fit

notebooks: setup
	$(BIN)/python tests/execute_notebooks.py
	$(BIN)/hwlib workshop copies

workshop: setup
	$(BIN)/hwlib workshop copies

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .

clean:
	rm -rf $(VENV) .pytest_cache .ruff_cache .hypothesis
