# Everything here needs only python3 and make; the first run of a target sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
SETUP := $(PYTHON) tools/environment.py

UPGRADE ?=
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
        --no-annotate --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade)

.DEFAULT_GOAL := help
.PHONY: help install demo image quickstart-images cluster-up cluster-env cluster-down cluster-ready \
        unit test test-cluster test-e2e test-all check format lock bench soak clean

help: ## list these targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-18s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

install: ## set up .venv/bin/claude-sidecar
	@$(SETUP) install
	@echo "==> $(BIN)/claude-sidecar is ready: try '$(BIN)/claude-sidecar --help'"

demo: ## the whole thing on this machine: no key, no network
	@$(SETUP) demo
	@$(BIN)/claude-sidecar demo $(ARGS)

image: ## the container image as a tar, with buildah or docker; BASE=IMAGE takes another base
	@$(SETUP) test
	@$(BIN)/python tools/images.py $(if $(BASE),--base $(BASE)) claude-sidecar >/dev/null

quickstart-images: ## the images that the quickstart needs on a cluster of your own, as tars
	@$(SETUP) test
	@$(BIN)/python tools/images.py

cluster-up: cluster-ready ## a whole Kubernetes cluster with one node on this machine; needs root
	@$(BIN)/python tools/whole_cluster.py up
	@$(BIN)/python tools/whole_cluster.py furnish

cluster-env: ## print what a shell has to eval for kubectl and helm to work on it
	@$(SETUP) test >&2
	@$(BIN)/python tools/whole_cluster.py env

cluster-down: ## remove that again, whatever state it is in
	@$(SETUP) test
	@$(BIN)/python tools/whole_cluster.py down

cluster-ready:
	@$(SETUP) test
	@$(BIN)/python tools/whole_cluster.py prepare
	@$(BIN)/python tools/helm_programs.py 4 >/dev/null
	@$(BIN)/python tools/jaeger_binary.py >/dev/null

unit: ## tests of logic, in process: any system, no network, no root; under a minute
	@$(SETUP) test
	@$(BIN)/python tools/run_tests.py unit $(ARGS)

test: ## unit, and our processes, the official SDKs in three languages, the chart's renders; a few minutes
	@$(SETUP) test
	@$(BIN)/python tools/run_tests.py test $(ARGS)

test-cluster: ## against real API servers, a trace store, Prometheus, a browser, heavier clients; gets them first
	@$(SETUP) test
	@$(BIN)/python tools/run_tests.py test-cluster $(ARGS)

test-e2e: ## on a whole cluster with running pods: kind's, KUBECONFIG's, or one of its own (Linux, root)
	@$(SETUP) test
	@$(BIN)/python tools/run_tests.py test-e2e $(ARGS)

test-all: ## test, test-cluster and test-e2e, in this order
	@$(SETUP) test
	@$(BIN)/python tools/run_tests.py test-all $(ARGS)

check: ## format, lint, strict types, import layers
	@$(SETUP) test
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: ## put the code in form
	@$(SETUP) test
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

lock: ## renew requirements/ from pyproject.toml; UPGRADE=1 takes the newest versions
	@$(SETUP) test
	$(LOCK) pyproject.toml --extra demo --extra operator --group build --group dev -o requirements/dev.txt
	$(LOCK) pyproject.toml --extra demo --group build -c requirements/dev.txt -o requirements/demo.txt
	$(LOCK) pyproject.toml --group build -c requirements/dev.txt -o requirements/run.txt
	$(LOCK) pyproject.toml --extra operator -c requirements/dev.txt -o requirements/image.txt
	$(LOCK) --group image-build -o requirements/image-build.txt
	$(LOCK) --group test-app -c requirements/dev.txt -o requirements/test-app.txt
	$(LOCK) --group anthropic-0x -o requirements/anthropic-0x.txt
	$(LOCK) --no-strip-extras --group frameworks -o requirements/frameworks.txt
	$(LOCK) --group node -o requirements/node.txt
	$(LOCK) --group go -o requirements/go.txt
	$(LOCK) --group phoenix -o requirements/phoenix.txt
	$(LOCK) --no-deps --group helm -o requirements/helm.txt

bench: ## direct against sidecar, a table; the numbers go to bench/results/
	@$(SETUP) test
	@$(BIN)/python -m bench $(ARGS)

soak: cluster-ready ## 20 pods with sidecars for 5 minutes, with faults: no call is lost; on a whole cluster
	@$(BIN)/python tools/images.py --where-possible >/dev/null
	@$(BIN)/python -m bench.soak $(ARGS)

clean: ## remove what the targets above made in this folder
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist
	rm -rf tests/clients/drivers/node/node_modules
