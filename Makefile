# `make` lists the targets; each builds .venv first if it is missing or out of date.
PYTHON ?= $(shell command -v python3.11 || echo python3)
BIN := .venv/$(if $(filter Windows_NT,$(OS)),Scripts,bin)
RUN := .venv/.installed
EXTRAS := .venv/.installed-extras
DEV := .venv/.installed-dev
NOTEBOOKS := .venv/.installed-notebooks
LOGGERS := .venv/.installed-loggers
DOCS := .venv/.installed-docs
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help fit extras test torture lint types lock schema lectures leaderboard bench tensorboard notebooks test-notebooks docs docs-build clean

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

fit: $(RUN) ## train the MLP on the embedded names (ARGS="…": flags)
	@$(BIN)/python main.py fit --config configs/mlp.yaml $(ARGS)

extras: $(EXTRAS) ## add to .venv what `sweep` and `export` need

test: $(DEV) ## run the test suite
	@$(BIN)/python -m pytest $(ARGS)

torture: $(LOGGERS) ## kill it, fill its disk, feed it rubbish (some minutes)
	@$(BIN)/python -m pytest -m torture $(ARGS)

lint: $(DEV) ## check style and formatting
	@$(BIN)/ruff check
	@$(BIN)/ruff format --check
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.github-workflows .github/workflows/*.yml
	@$(BIN)/check-jsonschema --quiet --builtin-schema vendor.citation-file-format CITATION.cff
	@! command -v actionlint >/dev/null || actionlint

types: $(DEV) ## check types
	@$(BIN)/mypy

lock: $(DEV) ## write requirements.* (ARGS=--upgrade: newest versions)
	@$(BIN)/pip install --quiet --disable-pip-version-check uv
	@$(BIN)/python scripts/lock.py $(ARGS)

schema: $(RUN) ## write configs/.schema.json, for editors
	@$(BIN)/python main.py schema $(ARGS)

lectures: $(RUN) ## measure the lectures' figures into docs/results.md
	@$(BIN)/python scripts/lectures.py $(ARGS)

leaderboard: $(RUN) ## train every model into docs/leaderboard.md (hours)
	@$(BIN)/python benchmarks/leaderboard.py $(ARGS)

bench: $(RUN) ## measure speed into docs/performance.md (half an hour)
	@$(BIN)/python benchmarks/run.py $(ARGS)

tensorboard: $(RUN) ## look at the runs, on http://localhost:6006
	@$(BIN)/tensorboard --logdir logs --host localhost $(ARGS)

notebooks: $(NOTEBOOKS) ## open the walkthroughs in Jupyter Lab
	@$(BIN)/jupyter lab --LabApp.default_url=/lab/tree/notebooks/building_micrograd.ipynb $(ARGS)

test-notebooks: $(NOTEBOOKS) ## run the walkthroughs from top to bottom
	@$(BIN)/python -m pytest -m notebooks $(ARGS)

docs: docs-build ## read README, docs and notebooks on http://localhost:8000
	@$(BIN)/python -m http.server --bind localhost --directory build/site $(ARGS)

docs-build: $(DOCS) ## write it into build/site; a broken link is an error
	@rm -rf build/site
	@$(BIN)/sphinx-build --quiet --fail-on-warning --keep-going --fresh-env \
		--conf-dir docs --doctree-dir build/doctrees . build/site

clean: ## remove .venv and the tools' caches; runs stay
	rm -rf .venv .pytest_cache .ruff_cache .mypy_cache build src/*.egg-info

# pip installs the exact versions of requirements.lock, and nothing at all the second time.
.venv/pyvenv.cfg:
	$(PYTHON) -m venv .venv

$(RUN): .venv/pyvenv.cfg pyproject.toml requirements.lock
	@echo "Setting up .venv (once; PyTorch is large) …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable .
	@touch $@

$(EXTRAS): $(RUN)
	@echo "Adding what sweeps and exports need to .venv …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[export,sweep]'
	@touch $@

$(DEV): $(RUN)
	@echo "Adding the test tools to .venv …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev]'
	@touch $@

$(NOTEBOOKS): $(DEV)
	@echo "Adding Jupyter to .venv …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev,notebooks]'
	@touch $@

$(LOGGERS): $(DEV)
	@echo "Adding W&B and MLflow to .venv …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[dev,loggers]'
	@touch $@

$(DOCS): $(RUN)
	@echo "Adding Sphinx to .venv …"
	@$(BIN)/pip install --quiet --disable-pip-version-check --constraint requirements.lock --editable '.[docs]'
	@touch $@
