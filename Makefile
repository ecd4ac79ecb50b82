# The two commands of the project are `make run` and `make test`; everything else is listed by `make help`.

INPUT ?= .
VOCABULARY ?= 8000
CASES ?= 100000
SECONDS ?= 600
SEED ?= 1
BENCH ?=
SWIFT ?= swift
PYTHON ?= python3
VENV := .deps/python

.PHONY: help run test lint format fuzz fuzz-parsers bench bench-networks torch data systems clean toolchain libraries

help:
	@echo "make run [INPUT=path]   train a tokenizer on text, encode it, decode it, print what it costs"
	@echo "make test               build and run all tests"
	@echo "make lint               check the formatting"
	@echo "make format             format the sources"
	@echo "make fuzz               compare with the reference libraries on random hard strings"
	@echo "make bench [BENCH=...]  measure the speed beside other libraries (BENCH=--quick: minutes; see Benchmarks/README.md)"
	@echo "make bench-networks     measure networks beside eager PyTorch of the same libtorch"
	@echo "make fuzz-parsers       fuzz every parser of files, guided by coverage [SECONDS=600]"
	@echo "make torch              bring libtorch into .deps and build the shim over it (TESSERA_TORCH=path: another libtorch)"
	@echo "make data               install the packages that data sets are made from and build all data sets"
	@echo "make systems            write docs/SYSTEMS.md from the code and the records in Results"
	@echo "make clean              remove what was built"

toolchain:
	@command -v $(SWIFT) >/dev/null || { echo "No Swift toolchain found: install Swift 6.3 and put 'swift' on the PATH." >&2; exit 1; }

# What the picture, font, and sound targets are linked with.
libraries:
	@Scripts/libraries.sh

run: toolchain libraries
	@$(SWIFT) build -c release --product tessera 2>&1 | tail -n 1
	@mkdir -p out
	@.build/release/tessera demo $(INPUT) --vocab-size $(VOCABULARY) --output out/tokenizer.json

torch:
	@Scripts/torch.sh

test: toolchain libraries torch $(VENV)/ready
	$(SWIFT) build -c release --product tessera
	TESSERA_DEMAND_TORCH=1 $(SWIFT) test
	$(VENV)/bin/python Scripts/fuzz/run.py --tessera .build/release/tessera --cases 6000
	$(VENV)/bin/python Scripts/check_written.py --tessera .build/release/tessera

fuzz: toolchain libraries $(VENV)/ready
	$(SWIFT) build -c release --product tessera
	$(VENV)/bin/python Scripts/fuzz/run.py --tessera .build/release/tessera --cases $(CASES) --seed $(SEED)

systems: toolchain libraries
	$(SWIFT) build -c release --product tessera
	@mkdir -p docs
	.build/release/tessera systems --markdown > docs/SYSTEMS.md.part && mv docs/SYSTEMS.md.part docs/SYSTEMS.md

bench: toolchain libraries
	$(SWIFT) build -c release --product tessera
	$(PYTHON) Benchmarks/run.py $(BENCH)

bench-networks: toolchain libraries torch
	$(SWIFT) build -c release --product tessera
	$(PYTHON) Benchmarks/networks.py $(BENCH)

data: toolchain libraries torch
	$(SWIFT) build -c release --product tessera
	Scripts/install.sh $$(.build/release/tessera lab data --packages)
	.build/release/tessera lab data --all

fuzz-parsers: toolchain
	@$(PYTHON) Fuzz/run.py --seconds $(SECONDS)

# The reference libraries and the published vocabularies, for the comparison only.
$(VENV)/ready: Scripts/fuzz/requirements.txt Scripts/fetch_vocabularies.py
	@$(PYTHON) -m venv $(VENV) 2>/dev/null || { echo "python3 with venv is needed: apt-get install python3-venv" >&2; exit 1; }
	@$(VENV)/bin/pip install --quiet --requirement Scripts/fuzz/requirements.txt
	@$(VENV)/bin/python Scripts/fetch_vocabularies.py
	@touch $@

lint: toolchain
	$(SWIFT) format lint --strict --recursive Sources Tests Fuzz Package.swift

format: toolchain
	$(SWIFT) format --in-place --recursive Sources Tests Fuzz Package.swift

clean:
	rm -rf .build out
