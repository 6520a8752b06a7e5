# `make run` on a fresh machine makes .venv, installs what requirements.lock says, and runs
# the nine notebooks. Every path is relative: make splits names at spaces, and the folder
# the project stands in may have one.

BIN := .venv/bin
STAMP := .venv/.installed
PYTHON ?= python3
ARGS ?=

.DEFAULT_GOAL := help
.PHONY: setup run test lab validate doctor airflow airflow-test browser-test site site-test wheel cluster-test nightly bench bench-full pytest notebooks runs clean distclean help

setup: $(STAMP) ## Make .venv: the locked packages, Java where there is none, Delta's JARs

run: $(STAMP) ## Run the notebooks in order:  make run ARGS="--to 03"
	@$(BIN)/lakehouse run $(ARGS)

# Many short runs on two cores: what the long compiling costs them, they do not live to win back.
test: export LAKEHOUSE_JAVA_OPTIONS ?= -XX:TieredStopAtLevel=1 -XX:ReservedCodeCacheSize=192m
test: $(STAMP) ## Run every check that takes minutes: lint, types, exports, tests, notebooks
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo --no-cache
	$(BIN)/lakehouse export --check
	$(BIN)/lakehouse tidy --check
	$(BIN)/lakehouse translate --check
	@# Side by side: none of them keeps two cores busy by itself.
	@$(MAKE) --no-print-directory --jobs=3 --output-sync=target pytest notebooks runs

OF_NOTEBOOKS := tests/charts tests/imports tests/lessons/test_any_order.py tests/lessons/test_compare.py tests/lessons/test_mutations.py tests/programs/test_machine.py
OF_RUNS := tests/lessons/test_exercises.py tests/operations/test_account.py tests/operations/test_production.py tests/operations/test_run.py
NINE := tests/lessons/test_own_folder.py

pytest: $(STAMP)
	$(BIN)/python -m pytest $(patsubst %,--ignore=%,$(OF_NOTEBOOKS) $(OF_RUNS) $(NINE))

runs: $(STAMP)
	$(BIN)/python -m pytest $(OF_RUNS)
	@# In a Java of its own: the tests before it fill theirs.
	$(BIN)/python -m pytest $(NINE)

notebooks: $(STAMP)
	$(BIN)/lakehouse validate
	$(BIN)/python -m pytest $(OF_NOTEBOOKS)

lab: $(STAMP) ## Open JupyterLab on the notebooks
	@$(BIN)/lakehouse lab $(ARGS)

validate: $(STAMP) ## Compare every cell of the notebooks with its committed output
	@$(BIN)/lakehouse validate $(ARGS)

doctor: $(STAMP) ## Say what this machine lacks, and the command that mends it
	@$(BIN)/lakehouse doctor

airflow: $(STAMP) ## Make .venv-airflow, which reads the DAG
	@$(BIN)/python -m ecommerce_lakehouse.lessons.airflow

airflow-test: $(STAMP) ## Run the DAG with a real Airflow: two nights and a bad delivery
	$(BIN)/python -m pytest -m airflow tests/programs/test_airflow.py

browser-test: $(STAMP) ## Open every lesson in JupyterLab with a real Chromium, run it, answer, move sliders
	$(BIN)/python -m pytest -m browser tests/programs/test_browser.py

site: $(STAMP) ## Build the site, in two languages: build/site/
	@$(BIN)/python scripts/build_site.py

site-test: $(STAMP) ## Open the site and a report in a real Chromium: links, search, keyboard
	$(BIN)/python -m pytest -m browser tests/programs/test_site.py

wheel: $(STAMP) ## Build the package for the machines of a cluster: build/wheel/
	@$(BIN)/python -m uv build --wheel --quiet --no-build-isolation --python $(BIN)/python --out-dir build/wheel

cluster-test: $(STAMP) ## Run the build on a master and two workers, of which one is killed, and on S3
	$(BIN)/python -m pytest -m cluster tests/programs/test_cluster.py tests/programs/test_object_store.py

nightly: $(STAMP) ## Run the long checks: every mutation, killed runs, no network
	$(BIN)/python -m pytest -m "nightly or not nightly" tests/lessons/test_mutations.py
	@# In a Java of their own: nights one after the other fill it.
	$(BIN)/python -m pytest -m nightly tests/operations
	$(BIN)/python -m pytest -m nightly --ignore=tests/lessons/test_mutations.py --ignore=tests/operations

bench: $(STAMP) ## Measure a small shop four ways, in ten minutes
	$(BIN)/python -m benchmarks.generator --customers 10000
	$(BIN)/python -m benchmarks.scale --customers 1000 --name scale_short
	$(BIN)/python -m benchmarks.notebooks --only "first table" "first table, plain" --name first_table
	$(BIN)/python -m benchmarks.report

bench-full: $(STAMP) ## Measure everything, up to eight million customers, in many hours
	$(BIN)/python -m benchmarks.generator --customers 10000 100000 1000000
	$(BIN)/python -m benchmarks.scale --customers 1000 10000 100000 250000 1000000
	$(BIN)/python -m benchmarks.scale --customers 8000000 --repetitions 1
	$(BIN)/python -m benchmarks.incremental --customers 1000000
	$(BIN)/python -m benchmarks.history
	$(BIN)/python -m benchmarks.notebooks
	$(BIN)/python -m benchmarks.report

clean: ## Delete the tables and everything in build/; keep .venv
	rm -rf build
	@# The slash at the end: the folder may be a link to a larger disk.
	[ ! -d lakehouse/ ] || find lakehouse/ -mindepth 1 -maxdepth 1 ! -name README.md -exec rm -rf {} +

distclean: clean ## Delete the environments too
	rm -rf .venv .venv-airflow .mypy_cache .pytest_cache .ruff_cache .hypothesis

help: ## List these targets
	@sed -n 's/^\([a-z-]*\):.*## \(.*\)/  make \1\t\2/p' Makefile | expand -t 22

# Written last, so that an installation that was cut short is taken up again. --python keeps
# uv from an environment that happens to be active; --compile-bytecode from compiling every
# package again in every kernel where PYTHONDONTWRITEBYTECODE is set.
$(STAMP): requirements.lock pyproject.toml
	@$(BIN)/python -m uv --version >/dev/null 2>&1 || { $(NEW_VENV); }
	@$(BIN)/python -m uv pip sync --python $(BIN)/python --require-hashes --compile-bytecode requirements.lock
	@$(BIN)/python -m uv pip install --python $(BIN)/python --quiet --no-deps --no-build-isolation -e .
	@$(BIN)/lakehouse doctor --fetch
	@touch $(STAMP)

# The first Python that will do, an environment made with it, and the locked uv inside. Some
# systems package venv's own pip (ensurepip) apart; then the system's pip fills the environment.
define NEW_VENV
for python in "$(PYTHON)" python3 python3.14 python3.13 python3.12 python3.11 ""; do \
    "$$python" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info < (3, 15))' 2>/dev/null && break; \
done; \
if [ -z "$$python" ]; then \
    echo "Python 3.11 to 3.14 not found. Name one with:  make setup PYTHON=/path/to/python3" >&2; exit 1; \
fi; \
echo "Making .venv with $$("$$python" --version)"; \
if "$$python" -m venv --clear .venv >/dev/null 2>&1; then \
    pip="$(BIN)/python -m pip"; \
elif "$$python" -m pip --version >/dev/null 2>&1 && "$$python" -m venv --clear --without-pip .venv; then \
    pip="$$python -m pip --python $(BIN)/python"; \
else \
    rm -rf .venv; \
    echo "$$python cannot make an environment: it lacks venv. On Debian and Ubuntu:  apt install python3-venv" >&2; exit 1; \
fi; \
awk '/^[^ ]/ { wanted = /^uv==/ } wanted' requirements.lock >.venv/uv.lock; \
$$pip install --quiet --disable-pip-version-check --require-hashes -r .venv/uv.lock
endef
