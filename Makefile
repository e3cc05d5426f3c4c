# The two that set everything up by themselves: make run, make test.
# On Debian and Ubuntu missing system packages are installed by apt (as root or by sudo).

SHELL := /bin/sh
PYTHON := .venv/bin/python

RUN_PACKAGES := python3-venv xvfb xauth x11-xkb-utils xkb-data libturbojpeg0|libturbojpeg \
	dbus-x11 fonts-dejavu-core
DESKTOP_PACKAGES := xfce4-session xfwm4 xfdesktop4 xfce4-panel xfce4-terminal thunar \
	adwaita-icon-theme
TEST_PACKAGES := chromium|chromium-browser xterm xclip x11-utils x11-xserver-utils
NODE_PACKAGES := $(if $(shell command -v npm),,nodejs npm)

SOURCES := kasmcore plugins tests examples docs

.PHONY: run test check fix bench docs clean help

help:  ## this list
	@grep -hE '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/'

run: .venv/.run-ready  ## install what is missing, start a desktop, print its address
	@tools/install-packages.sh $(RUN_PACKAGES) $(DESKTOP_PACKAGES) || \
		echo "Going on without what could not be installed."
	@.venv/bin/kasmcore run $(ARGS)

test: check  ## install what tests need, run all tests
	@tools/install-packages.sh $(RUN_PACKAGES) $(TEST_PACKAGES)
	$(PYTHON) -m pytest tests/integration tests/browser

check: .venv/.test-ready www/node_modules/.ready  ## style, types, contracts, and the tests that need no X
	.venv/bin/ruff format --check $(SOURCES)
	.venv/bin/ruff check $(SOURCES)
	.venv/bin/mypy kasmcore plugins
	.venv/bin/lint-imports
	cd www && npm run --silent check
	$(PYTHON) -m pytest tests/unit tests/plugins tests/project

fix: .venv/.test-ready  ## format, mend what ruff can mend, write the generated pages
	.venv/bin/ruff format $(SOURCES)
	.venv/bin/ruff check --fix $(SOURCES)
	$(PYTHON) docs/generate.py

bench: .venv/.test-ready  ## measure scenes on this machine, without rivals
	@tools/install-packages.sh $(RUN_PACKAGES) $(TEST_PACKAGES)
	$(PYTHON) -m tests.bench $(ARGS)

clean:  ## remove what the commands above made
	rm -rf .venv www/node_modules build *.egg-info .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache

.venv/.run-ready: pyproject.toml tools/make-environment.sh
	@tools/install-packages.sh $(RUN_PACKAGES)
	@tools/make-environment.sh ""
	@touch $@

.venv/.test-ready: pyproject.toml tools/make-environment.sh
	@tools/install-packages.sh $(RUN_PACKAGES) $(NODE_PACKAGES)
	@tools/make-environment.sh "[test,check]"
	@touch $@ .venv/.run-ready

www/node_modules/.ready: www/package.json
	@tools/install-packages.sh $(NODE_PACKAGES)
	cd www && npm install --no-package-lock --no-audit --no-fund --silent
	@touch $@
