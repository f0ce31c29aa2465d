# What a person types twice is a target here. Every target first runs `make setup`, which is quick when nothing is
# missing. `make help` lists them.

# The toolchain of swift.org is often unpacked here, without being on PATH.
export PATH := $(PATH):/opt/swift/usr/bin

SHELL := /bin/bash
.SHELLFLAGS := -eu -o pipefail -c
.DEFAULT_GOAL := help

# build, run, test and lint share one debug build; release and bench make an optimised one.
DEBUG := .build/debug
FUZZ_SECONDS ?= 60
SOAK_MINUTES ?= 60
KILLS ?= 200
UPDATE_KILLS ?= 500
SWIFT_SOURCES := Sources Plugins Tests Benchmarks Package.swift

.PHONY: help
help: ## this list
	@grep -hE '^[a-z-]+:.*## ' Makefile | sed -E 's/^([a-z-]+):.*## /\1\t/' | expand -t 12

.PHONY: setup
setup: ## install missing Debian packages, or say which
	@scripts/setup

.PHONY: build
build: setup ## build the host and the plugins
	swift build

.PHONY: release
release: setup ## build them optimised, into .build/release
	swift build -c release

.PHONY: run
run: build ## run config.yaml: a sample directory, and a fleet of this machine
	@scripts/run-sample $(DEBUG)/muster

# The live tests wait for processes, and block the few threads that tasks of the other tests run on: they come by themselves.
# So do those of the update chain, which keep the processor busy with signatures and lists of definitions.
UPDATE_TESTS := UpdateTrustTests|UpdateAdminTests|UpdateServiceTests|CommAgentTests
.PHONY: test
test: setup ## build and run all tests
	swift build --build-tests
	swift test --skip-build --skip 'IntegrationTests|$(UPDATE_TESTS)'
	swift test --skip-build --filter '$(UPDATE_TESTS)'
	swift test --skip-build --filter IntegrationTests
	scripts/check-plugins $(DEBUG)

.PHONY: lint
lint: build ## check formatting, the ABI's rules, documents and scripts
	swift format lint --strict --recursive --parallel $(SWIFT_SOURCES)
	scripts/check-abi
	scripts/check-text
	scripts/abi-manual --check docs/abi.md
	scripts/check-current docs/configuration.md $(DEBUG)/muster schema --markdown config.yaml
	$(DEBUG)/muster schema config.yaml | python3 -m json.tool > /dev/null

.PHONY: docs
docs: build ## write the generated documents again
	scripts/abi-manual > docs/abi.md
	$(DEBUG)/muster schema --markdown config.yaml > docs/configuration.md

.PHONY: format
format: setup ## format the Swift sources
	swift format --in-place --recursive --parallel $(SWIFT_SOURCES)

.PHONY: bench
bench: ## measure against nginx (BENCH="--rows 1,4 --quick --json"; installs it)
	@scripts/setup bench
	@Benchmarks/run $(BENCH)

.PHONY: scan
scan: build ## have sslscan and testssl.sh look at a real https listener (installs them)
	@scripts/setup scan
	scripts/check-tls $(DEBUG)

.PHONY: interop
interop: build ## have freshclam and python-tuf fetch from real repositories (installs them)
	@scripts/setup interop
	scripts/check-freshclam $(DEBUG)
	scripts/check-tuf-interop $(DEBUG)/muster

.PHONY: conformance
conformance: build ## run the public suite for clients of TUF (SUITE=folder of a checkout of tuf-conformance)
	@scripts/setup interop
	scripts/check-conformance "$(SUITE)" $(DEBUG)/muster

# Each sanitizer has a build of its own. Live hosts run with host.debug, which lets the sanitizers' options through.
.PHONY: sanitize
sanitize: setup ## run the live tests under ThreadSanitizer and AddressSanitizer
	scripts/sanitize thread
	scripts/sanitize address

.PHONY: fuzz
fuzz: setup ## fuzz the YAML reader, the control protocol and the reader of metadata, FUZZ_SECONDS each (60)
	Tests/Fuzz/run FuzzYAML $(FUZZ_SECONDS)
	Tests/Fuzz/run FuzzControlProtocol $(FUZZ_SECONDS)
	Tests/Fuzz/run FuzzCanonicalJSON $(FUZZ_SECONDS)
	Tests/Fuzz/run FuzzMetadata $(FUZZ_SECONDS)

.PHONY: soak
soak: setup ## reload and crash under load for SOAK_MINUTES (60)
	swift build --build-tests
	MUSTER_SOAK_MINUTES=$(SOAK_MINUTES) swift test --skip-build --filter SoakTests

.PHONY: kills
kills: setup ## kill any process of a fleet at random moments during jobs, KILLS times (200)
	swift build --build-tests
	MUSTER_FLEET_KILLS=$(KILLS) swift test --skip-build --filter killsAtRandomMoments

.PHONY: bench-bus
bench-bus: setup ## measure calls over the bus between two workers
	swift build -c release
	swift build --build-tests
	MUSTER_BUS_BENCH=1 MUSTER_PRODUCTS=$(CURDIR)/.build/release swift test --skip-build --filter measureCalls

.PHONY: update-kills
update-kills: setup ## kill mirror, publication and activation at random moments, UPDATE_KILLS times (500)
	swift build --build-tests
	MUSTER_UPDATE_KILLS=$(UPDATE_KILLS) swift test --skip-build --filter UpdateKillTests

.PHONY: bench-updates
bench-updates: ## measure the update chain against python-tuf, bsdiff and nginx (BENCH="--rows U1 --quick")
	@scripts/setup bench
	swift build -c release
	python3 -m venv .build/tuf-venv && .build/tuf-venv/bin/pip install --quiet tuf
	MUSTER_TUF_PYTHON=.build/tuf-venv/bin/python Benchmarks/updates .build/release $(BENCH)

.PHONY: clean
clean: ## remove what was built, and the sample's data
	rm -rf .build .build-* Tests/Fuzz/.build Benchmarks/.build var
