# Two commands do it all: `make run` opens Hearthlight on its demo community, `make test` tests it.
.DEFAULT_GOAL := help
.PHONY: help run test check lint test-platforms bench soak torture train eval bundle lock translations setup setup-test clean
PYTEST := .venv/bin/python -m pytest
EVERY_CORE := -n auto --dist worksteal
export HYPOTHESIS_STORAGE_DIRECTORY := build/hypothesis
# Many tests start the program: let Python keep what it compiled, also where the shell forbids it beside the sources.
export PYTHONPYCACHEPREFIX := $(CURDIR)/build/pycache
unexport PYTHONDONTWRITEBYTECODE

help:  ## Say what can be made.
	@sed -n 's/^\([a-z-]*\):.*## /  make \1\t/p' Makefile | expand -t 24

setup:
	@packaging/setup.sh run

setup-test:
	@packaging/setup.sh test

run: setup  ## Open the window on the demo community; with no display, tour it and leave pictures.
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then \
	  .venv/bin/python -m moderator_app window --demo; \
	else \
	  echo "No display: taking the tour off screen."; \
	  QT_QPA_PLATFORM=offscreen .venv/bin/python -m moderator_app tour; \
	fi

test: setup-test  ## Run the tests: off screen, then the journeys again in a real window.
	QT_QPA_PLATFORM=offscreen $(PYTEST) -q $(EVERY_CORE) -m "not platforms"
	xvfb-run -a -s "-screen 0 1440x900x24" env QT_QPA_PLATFORM=xcb \
	  $(PYTEST) -q $(EVERY_CORE) -m "not platforms and not windowless" tests/journeys

lint: setup-test  ## Style, types, imports.
	.venv/bin/ruff check .
	.venv/bin/ruff format --check .
	.venv/bin/mypy
	.venv/bin/lint-imports --cache-dir build/imports

test-platforms: setup-test  ## Connectors against the real servers on loopback.
	tests/servers/bluesky.sh install
	tests/servers/email.sh install
	tests/servers/wordpress.sh install
	tests/servers/synapse.sh install
	tests/servers/mastodon.sh install
	QT_QPA_PLATFORM=offscreen $(PYTEST) -q -m "platforms and not soak"

check: lint test test-platforms  ## All that CI runs.

bench: setup-test  ## Measure speed and memory at a million messages into build/bench.json.
	QT_QPA_PLATFORM=offscreen .venv/bin/python -m tests.benchmarks

soak: setup-test  ## Half an hour of bad network against real servers (HEARTHLIGHT_SOAK_MINUTES).
	tests/servers/bluesky.sh install
	tests/servers/synapse.sh install
	QT_QPA_PLATFORM=offscreen $(PYTEST) -q -o faulthandler_timeout=0 -m soak tests/soak

train: setup-test  ## Train the learned layer of triage from the research data into resources/triage.
	.venv/bin/python -m pip install -q -e ".[train]"
	OMP_NUM_THREADS=1 .venv/bin/python -m tests.triage.train

eval: setup-test  ## Measure triage against every target, beside three baselines, into build/eval.json.
	.venv/bin/python -m pip install -q -e ".[train]"
	OMP_NUM_THREADS=1 .venv/bin/python -m tests.triage.evaluate

torture: setup-test  ## Kill the program and cut the power 200 times in the middle of its work.
	.venv/bin/python -m tests.torture

bundle: setup-test  ## Build and self-test the one-folder program in build/dist.
	packaging/bundle.sh

lock:  ## Pin every package by hash into packaging/locked.txt.
	packaging/lock.sh

translations: setup  ## Collect the strings into resources/i18n and compile them.
	packaging/translations.sh

clean:  ## Remove what was built; never a profile.
	rm -rf build .venv
