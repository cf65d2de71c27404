# Every target sets up what it needs by itself. `make help` lists them.
PYTHON ?= python3
BIN := .venv/bin
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: help demo demo-kafka run test test-long check format bench schemas docs lock clean setup-run setup-dev setup-programs

help: ## what there is to type
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

demo: setup-run ## a recorded outage through a real server: timeline, draft, page (ARGS=--exit ends after printing)
	@$(BIN)/alertline demo $(ARGS)

demo-kafka: setup-dev ## the same on a real Kafka and a real PostgreSQL, set up for it (needs Java and Maven)
	@$(BIN)/python -m tests.support.demo_kafka $(ARGS)

run: setup-run ## the service, empty, on 127.0.0.1:8080 (ARGS='--port 9000')
	@$(BIN)/alertline serve $(ARGS)

test: setup-dev setup-programs ## every test (ARGS='-k timeline' for some)
	@$(BIN)/python -m pytest $(ARGS)

test-long: setup-dev setup-programs ## the long forms too
	@ALERTLINE_TEST_LONG=1 $(BIN)/python -m pytest $(ARGS)

check: setup-dev ## format, lint, types, imports; no tests
	@$(BIN)/ruff format --check .
	@$(BIN)/ruff check .
	@$(BIN)/mypy
	@$(BIN)/lint-imports

format: setup-dev ## write the format and the fixes that ruff can make
	@$(BIN)/ruff check --fix .
	@$(BIN)/ruff format .

bench: setup-dev ## every speed claim, as ratios within one run
	@$(BIN)/python -m benchmarks $(ARGS)

schemas: setup-dev ## write schemas/json and docs/vocabulary.md again from the shapes
	@$(BIN)/python -m schemas.generate

docs: setup-dev ## write docs/settings.md, routes.md and sources.md again from the code
	@$(BIN)/python -m docs.generate

lock: ## pin the dependencies again, with hashes (needs uv)
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header pyproject.toml --group dev -o requirements/dev.txt
	uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-annotate --no-header pyproject.toml --group build -c requirements/dev.txt -o requirements/run.txt

clean: ## remove the environment, caches and builds; recorded data (alertline-data) stays
	@rm -rf .venv .mypy_cache .ruff_cache .pytest_cache .hypothesis .import_linter_cache .coverage dist build
	@find . -name __pycache__ -type d -prune -exec rm -rf {} +
	@echo "clean: the next make sets up again; alertline-data is left as it is"

setup-run:
	@if [ -e .venv/.ready-dev.txt ]; then $(PYTHON) deploy/setup_env.py requirements/dev.txt; else $(PYTHON) deploy/setup_env.py requirements/run.txt; fi

setup-programs:
	@$(PYTHON) deploy/setup_programs.py

setup-dev:
	@$(PYTHON) deploy/setup_env.py requirements/dev.txt
