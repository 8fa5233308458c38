# The two commands a newcomer needs: make demo, make test. Everything else is listed by make help.
SHELL := /bin/sh
VENV ?= .venv
BIN := $(VENV)/bin
DEPS := setup.cfg requirements/constraints.txt tools/setup.sh
CODE := edge_affect tests tools

.PHONY: help demo test lint format coverage clean
.DEFAULT_GOAL := help

help: ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed 's/:.*##/\t/' | expand -t 26

demo: .stamps/demo ## set up and show the whole box on a clip; SECONDS=20 ends by itself
	@$(BIN)/edge-affect demo $(if $(filter command line,$(origin SECONDS)),--seconds $(SECONDS)) $(ARGS)

test: .stamps/dev ## set up and run all tests
	$(BIN)/python -m pytest

lint: .stamps/dev ## set up and check style, types and the import rule
	$(BIN)/ruff check $(CODE)
	$(BIN)/ruff format --check $(CODE)
	$(BIN)/mypy
	$(BIN)/lint-imports --config setup.cfg

format: .stamps/dev ## let ruff format the code
	$(BIN)/ruff format $(CODE)

coverage: .stamps/dev ## run all tests and show the lines and branches they miss
	$(BIN)/coverage run -m pytest && $(BIN)/coverage report

clean: ## remove the virtual environments and everything built
	rm -rf $(VENV) .venv-* .stamps build dist *.egg-info .coverage

.stamps/demo: $(DEPS)
	@tools/setup.sh demo $(VENV)
	@mkdir -p .stamps && touch $@

.stamps/dev: $(DEPS)
	@tools/setup.sh dev $(VENV)
	@mkdir -p .stamps && touch .stamps/demo $@
