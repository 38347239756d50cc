# What developers and CI do, by name. Everything needed is made by `make env`: a virtual environment with locked packages,
# and the tools of the toolbox when something first asks for them.

PYTHON ?= python3
# The environment's interpreter; install.py prints its path as the last line and makes the environment when it is not there.
PY = $(shell $(PYTHON) install.py --prepare --dev | tail -n 1)
PYTEST = $(PY) -m pytest

.PHONY: help env test check unit charts scan control-plane cli services test-minikube test-micro bench-micro bench-many lab-up lab-down chaos fuzz bench generate golden lock clean

help: ## this list
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 16

env: ## the developers' environment; prints its interpreter
	@echo $(PY)

test: ## everything that CI runs, in lanes, with a summary
	@$(PY) tests/lanes.py

check: ## style, types, the import contract, generated files
	$(PY) -m ruff check .
	$(PY) -m mypy
	$(PY) -c "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"
	$(PY) -m mininode.cli.main generate --check

unit: ## tests without any server: seconds
	$(PYTEST) tests/unit

charts: ## lint, render and validate the charts with real Helm
	$(PYTEST) tests/charts

control-plane: ## the operator against a real Kubernetes API
	$(PYTEST) tests/control_plane

scan: ## scanners of others on manifests, charts and code: zero findings, or each with its reason
	$(PY) tests/scan/run.py

cli: ## the commands as processes
	$(PYTEST) tests/cli

services: ## the realm against a real Keycloak and PostgreSQL
	$(PYTEST) tests/services

test-minikube: ## a cluster's life on a real minikube, about 20 minutes with a lab that is made, whose engine it ends and starts
	$(PYTEST) tests/minikube

test-micro: ## a node in real pods on a real minikube: used, killed, cut off, made again, upgraded; a quarter of an hour, wants root
	$(PYTEST) tests/micro

bench-micro: ## a node in real pods: time to Ready beside its pods' own, memory, logins
	$(PY) tests/bench/micro.py

lab-up: ## a real minikube's surroundings where no container engine is: made when missing, then the engine is started
	$(PY) tests/lab/lab.py up

lab-down: ## stop the lab's engine; what was made stays
	$(PY) tests/lab/lab.py down

chaos: ## kills and faults without end: the long run, three quarters of an hour at most
	$(PY) tests/chaos/long.py --kills 500 --seconds 2700

fuzz: ## 100,000 configurations with mistakes: each accepted or refused with advice
	$(PY) tests/fuzz/configs.py --count 100000

bench: ## figures, printed as a table
	$(PY) tests/bench/run.py
	$(PY) tests/bench/beside_helm.py
	$(PY) tests/services/measure.py

bench-many: ## two hundred nodes on one operator: its memory, requests and share of a core; a quarter of an hour
	$(PY) tests/bench/many.py

generate: ## CRD, docs/spec.md and config.example.yaml from the model
	$(PY) -m mininode.cli.main generate

golden: ## the rendered charts and the screens anew, to be reviewed as a diff
	$(PYTEST) tests/charts tests/unit/screens tests/cli/test_screens.py --update-golden

LOCK = env -u PIP_FIND_LINKS $(PY) -m uv pip compile --no-config --quiet --universal --generate-hashes --python-version 3.11 \
	--no-emit-index-url --no-emit-find-links --no-annotate --custom-compile-command "make lock" pyproject.toml requirements.in

lock: ## the lock files anew from pyproject.toml
	$(LOCK) -o requirements.lock
	$(LOCK) --extra dev -o requirements-dev.lock

clean: ## what tests and tools left in the tree
	rm -rf .pytest_cache .mypy_cache .ruff_cache .hypothesis .import_linter_cache .coverage* dist build
