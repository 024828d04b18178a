# The front door. Every target does the set-up it needs by itself; run again, the set-up is a fraction of a second.
BUILD ?= build/release
JOBS ?= $(shell nproc)
ROWS ?= 10M
SECONDS ?= 20
SEEDS ?= 1
SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup build build-all demo demo-real test check bench bench-loop bench-history test-asan test-tsan test-interop test-faults test-month test-readme fuzz format clean

help: ## this list
	@grep -hE '^[a-z -]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/^([a-z -]+):.*## /\1\t/' | expand -t 22

setup: ## packages and pinned downloads (tools/setup.sh says what and why)
	@tools/setup.sh build test

build: ## the binaries feedmill and feedmill-train in build/release/bin
	@tools/setup.sh build
	@tools/build.sh $(BUILD) $(JOBS) feedmill feedmill-train

build-all: ## the binaries, all tests and all benches
	@tools/setup.sh build test
	@tools/build.sh $(BUILD) $(JOBS) all

demo: build ## a synthetic social app lives, the model learns; ARGS=--exit stops afterwards
	@tools/demo.py $(ARGS)

demo-real: build ## the nightly on real cascades; DATA=folder
	@DATA="$(DATA)" tools/demo_real.py $(ARGS)

test: ## make check, then all tests; the last line counts them
	@tools/setup.sh build test
	@BUILD="$(BUILD)" JOBS="$(JOBS)" tools/run_tests.py $(ARGS)

check: ## formatting, static analysis, rooms, sizes, names, dead files, words
	@tools/setup.sh build test
	@BUILD="$(BUILD)" JOBS="$(JOBS)" tools/check.sh

bench: build ## figures beside peers, written to bench/results
	@tools/setup.sh bench
	@tools/build.sh $(BUILD) $(JOBS) feedmill_bench
	@BUILD="$(BUILD)" bench/run.sh $(ARGS)

bench-loop: build ## the whole loop at ROWS=10M events; ARGS="--days 1 --memory 6GiB"
	@BUILD="$(BUILD)" bench/loop.sh $(ROWS) $(ARGS)

bench-history: build ## what one more day costs after 30, 60 and 90 days
	@BUILD="$(BUILD)" python3 bench/history.py $(ARGS)

test-asan test-tsan: ## the C++ tests under sanitizers: of addresses and undefined behaviour, of threads
	@tools/setup.sh build test
	@TSAN_OPTIONS="die_after_fork=0 report_thread_leaks=0 suppressions=$(CURDIR)/tools/tsan.supp" PRESET=$(@:test-%=%) BUILD=build/$(@:test-%=%) JOBS="$(JOBS)" TARGET=feedmill_tests PROGRAM_SECONDS_MAX=1800 tools/run_tests.py "C++" $(ARGS)

test-interop: build ## foreign readers and clients against ours
	@tools/setup.sh interop
	@BUILD="$(BUILD)" tests/interop/run.sh $(ARGS)

test-faults: build ## KILLS=400 kill -9 under load with nights and promotions beside; crash states over the harsh twin
	@BUILD="$(BUILD)" tests/faults/run.sh $(ARGS)

test-nonsense: build ## the demo on a project and a world in which every name of the domain is nonsense: the same figures
	@BUILD=$(BUILD) tests/own_words/nonsense_demo.py

test-month: build ## SEEDS=1 months of 30 nights in which everything goes wrong, two at a time; figures to bench/results/month.json
	@BUILD="$(BUILD)" tests/month/month.py --seeds $(SEEDS) --jobs 2 --record $(ARGS)

test-readme: build ## README.md followed word by word; ARGS=tour leaves out the demo
	@BUILD="$(BUILD)" tests/readme/run.sh $(ARGS)

fuzz: ## every fuzzer for SECONDS=20 from the seeds in tests/fuzz
	@tools/setup.sh build test
	@SECONDS_EACH="$(SECONDS)" JOBS="$(JOBS)" tools/fuzz.sh $(ARGS)

format: ## clang-format over our files
	@tools/setup.sh build test
	@tools/check/format.py --fix

clean: ## removes build/; the downloads stay in the cache
	rm -rf build
