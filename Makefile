# The two that set everything up by themselves: make run, make test.
# On Debian and Ubuntu missing system packages are installed by apt (as root or by sudo).
# a/b in a list of packages: a, or where there is no a, b.

SHELL := /bin/sh
PYTHON := .venv/bin/python

PYTHON_PACKAGES := python3-venv libturbojpeg0/libturbojpeg gcc libc6-dev
KERNEL := kasmcore/kernels/pixels.c kasmcore/kernels/pixels.h
DISPLAY_PACKAGES := xvfb xauth x11-xkb-utils xkb-data dbus-x11 fonts-dejavu-core
TEST_PACKAGES := chromium/chromium-browser xterm xclip x11-utils x11-xserver-utils
# Only where there is none: whoever has Node.js or a desktop keeps it.
NODE_PACKAGES := $(if $(shell which npm),,nodejs npm)
DESKTOP_PACKAGES := $(if $(shell which startxfce4 xfce4-session mate-session startlxqt startlxde \
	cinnamon-session startplasma-x11 gnome-session openbox-session icewm-session),, \
	xfce4-session xfwm4 xfdesktop4 xfce4-panel xfce4-settings xfce4-terminal thunar \
	adwaita-icon-theme fonts-noto-core)

SOURCES := kasmcore plugins tests examples docs

.PHONY: help run test check fix bench clean

help:  ## this list
	@grep -E '^[a-z]+:.*##' Makefile | sed 's/:.*##/\t/' | expand -t 8

run: .venv/.run-ready  ## install what is missing, start a desktop, print its address
	@tools/install-packages.sh $(DISPLAY_PACKAGES) $(DESKTOP_PACKAGES) || \
		echo "Going on without what could not be installed."
	@.venv/bin/kasmcore run $(ARGS)

test: check  ## install what tests need, run all tests
	@tools/install-packages.sh $(DISPLAY_PACKAGES) $(TEST_PACKAGES)
	$(PYTHON) -m pytest tests/integration tests/browser

check: .venv/.test-ready www/node_modules/.ready  ## style, types, contracts, and the tests that need no X
	.venv/bin/ruff format --check $(SOURCES)
	.venv/bin/ruff check $(SOURCES)
	.venv/bin/mypy kasmcore plugins
	.venv/bin/lint-imports
	cd www && npm run --silent check
	$(PYTHON) -m pytest tests/unit tests/plugins tests/vectors tests/project

fix: .venv/.test-ready www/node_modules/.ready  ## format, mend what ruff can mend, write what is generated
	.venv/bin/ruff format $(SOURCES)
	.venv/bin/ruff check --fix $(SOURCES)
	$(PYTHON) docs/generate.py
	cd www && npm run --silent bundle

bench: .venv/.test-ready  ## measure encoders, stages and scenes on this machine
	@tools/install-packages.sh $(DISPLAY_PACKAGES)
	@.venv/bin/kasmcore bench $(ARGS)

clean:  ## remove what the commands above made
	rm -rf .venv www/node_modules build *.egg-info .mypy_cache .ruff_cache .pytest_cache \
		.hypothesis .import_linter_cache bench-results test-results

.venv/.run-ready: pyproject.toml setup.py tools/make-environment.sh $(KERNEL)
	@tools/install-packages.sh $(PYTHON_PACKAGES) || \
		echo "Going on without what could not be installed."
	@tools/make-environment.sh ""
	@touch $@

.venv/.test-ready: pyproject.toml setup.py tools/make-environment.sh $(KERNEL)
	@tools/install-packages.sh $(PYTHON_PACKAGES) || \
		echo "Going on without what could not be installed."
	@tools/make-environment.sh "[test,check]"
	@touch $@ .venv/.run-ready

www/node_modules/.ready: www/package.json www/package-lock.json
	@tools/install-packages.sh $(NODE_PACKAGES)
	cd www && npm ci --no-audit --no-fund --silent
	@touch $@
