# `make test` and `make book` need Python 3.11 or newer, make and a package index; everything else they install themselves.
# The tasks are in noxfile.py: `make tasks` lists them, `make TASK` runs one.

PYTHON ?= $(shell command -v python3.11 || command -v python3)
NOX := .nox/bootstrap/bin/python -m nox

.DEFAULT_GOAL := tasks
.PHONY: tasks test tests book pdf course slides notebooks settings lint types performance browser links dataset wheel clean

test: tests

tests book pdf course slides notebooks settings lint types performance browser links dataset wheel: .nox/bootstrap/ready
	@$(NOX) -s $@ $(if $(ARGS),-- $(ARGS))

tasks: .nox/bootstrap/ready
	@$(NOX) -l

# nox lives in a small environment of its own, so a system Python that refuses global installs is no obstacle.
.nox/bootstrap/ready:
	@test -n "$(PYTHON)" || { echo "No python3 found; install Python 3.11 or name one: make $(MAKECMDGOALS) PYTHON=/path/to/python3.11"; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(v < (3, 11) and f"$(PYTHON) is Python {v[0]}.{v[1]}, but zsnas needs 3.11 or newer; name one: make PYTHON=/path/to/python3.11")'
	@$(PYTHON) -m venv --clear .nox/bootstrap || { echo "$(PYTHON) cannot create environments; on Debian and Ubuntu install python3-venv"; exit 1; }
	@.nox/bootstrap/bin/python -m pip install --quiet --disable-pip-version-check "nox>=2025.5"
	@touch $@

clean:
	rm -rf _build .nox/bootstrap
