# Everything is installed into this folder: .venv (packages), .cache (Kafka's jars), data (the demo's zone).
PYTHON ?= python3
VENV := .venv
PY := $(VENV)/bin/python
STAMP := $(VENV)/.installed
DATA ?= data

.PHONY: help install demo demo-clean test test-long attack bench wheel lint format lock web-assets

help: ## what can be done here
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-12s %s\n", $$1, $$2}'

$(STAMP): requirements.lock pyproject.toml deploy/install_locked.py
	@echo "Installing the locked packages into $(VENV) (once, about a minute) ..."
	@$(PYTHON) deploy/install_locked.py $(VENV)
	@touch $(STAMP)

install: $(STAMP) ## install everything into this folder

web-assets: $(STAMP) ## fetch style sheets, fonts and htmx for the page
	@$(PY) -m portals.assets.build || echo "The page's style sheets can't be fetched now; it reads well without them."

demo: $(STAMP) web-assets ## run everything here, with two invented municipalities
	@$(VENV)/bin/zorgstroom demo --data $(DATA)

demo-clean: $(STAMP) ## forget the demo's data (asks first; YES=1 does not)
	@$(PY) -m deploy.forget $(DATA) $(if $(YES),--yes)

test: $(STAMP) web-assets ## run all tests but the long ones
	@$(PY) -m tests.side_by_side

test-long: $(STAMP) ## the long tests: 50,000 deliveries under 20 kills, 100,000 pseudonyms, an authority turned, breaks at every command
	@$(VENV)/bin/pytest -q -s -m long

attack: $(STAMP) ## set every attacker on released figures of every world (hours) and write docs/disclosure-report.md; ATTACK="--world town --months 6" for less
	@$(PY) tests/attacks/disclosure/attack.py $(ATTACK)

bench: $(STAMP) ## measure speed and size on this machine
	@$(VENV)/bin/zorgstroom bench all

wheel: $(STAMP) web-assets ## make the package that providers install
	@$(PY) -m hatchling build -t wheel && echo "Give providers dist/*.whl; they install it with pip."

lint: $(STAMP) ## style and types
	@$(VENV)/bin/ruff check . && $(VENV)/bin/ruff format --check . && $(VENV)/bin/mypy schemas producers keyvault projections streams portals deploy

format: $(STAMP) ## lay out the code
	@$(VENV)/bin/ruff format . && $(VENV)/bin/ruff check --fix .

lock: $(STAMP) ## renew the locks of packages and of Kafka's jars
	@$(VENV)/bin/uv pip compile pyproject.toml --extra zone --extra test --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header --quiet -o requirements.lock
	@$(PY) -c "from pathlib import Path; from deploy import kafka_jars; kafka_jars.write_lock(Path('.cache').resolve(), Path('deploy/kafka_jars.lock'))"
