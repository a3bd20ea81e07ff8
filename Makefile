# Every target works on a clean checkout; the first two are all that a newcomer needs.

.DEFAULT_GOAL := help
.PHONY: help release sbom demo page page-check deploy-check test noninterference check rules fmt fmt-check clippy doc deny corpus fuzz bench fairness faults soak bench-query bench-access bench-directory bench-store bench-promql bench-logql kill-loop

# The profile of `make demo`. The development profile compiles fastest, and the demo's data are
# small; `make demo PROFILE=release` is for looking at speed.
PROFILE ?= dev

help: ## Show this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-16s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: page ## Build and run the demo: identity provider, backends and sample data in one process
	cargo run --locked --profile $(PROFILE) --package ktrlplane -- demo $(ARGS)

page: ## Build the Explore page into web/dist, where Node.js is there
	@sh scripts/page.sh

page-check: ## Check the Explore page: types, tests, build, and a browser that goes through it on a demo
	@sh scripts/page-check.sh

test: ## Install the counterparts that are missing, then run every test
	@sh scripts/test.sh

# `make test` asks 20,000 queries in the development profile. SEED brings a run back; without it
# each run asks others.
QUERIES ?= 100000
noninterference: ## Ask QUERIES random queries over everybody's data and over one resource's alone
	KTRLPLANE_NONINTERFERENCE_QUERIES=$(QUERIES) \
	$(if $(SEED),KTRLPLANE_NONINTERFERENCE_SEED=$(SEED)) \
		cargo test --locked --profile quick --package ktrlplane --test noninterference -- --nocapture

faults: ## Break everything on purpose, and print fault, claim and what was seen
	@python3 scripts/faults.py

MINUTES ?= 20
soak: ## Load a release build in every way for MINUTES=20; memory and files have to stay flat
	cargo build --locked --release --package ktrlplane
	@python3 scripts/soak.py --minutes $(MINUTES) --binary "$$(cargo metadata --format-version 1 --no-deps --offline | \
		python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/release/ktrlplane"

check: fmt-check rules clippy doc deny test page-check deploy-check ## All that has to hold before a change is merged

deploy-check: ## Check what is in deploy/ with Helm, hadolint, the schemas, and the product where it is built
	@sh scripts/deploy-check.sh $(ARGS)

rules: ## Check the rooms, the arrows between them and the other invariants
	@python3 scripts/rules.py

fmt: ## Format the code
	cargo fmt --all

fmt-check:
	cargo fmt --all --check

clippy: ## Lint, warnings being errors
	cargo clippy --locked --workspace --all-targets -- -D warnings

doc: ## Build the documentation of the code, warnings being errors
	RUSTDOCFLAGS="-D warnings" cargo doc --locked --workspace --no-deps

deny: ## Check the licences and sources of dependencies
	@sh scripts/deny.sh

corpus: ## Hold both parsers against what Loki's and Prometheus's own said of ten thousand queries
	@CI=true cargo test --locked --quiet --package query --test corpus_logql --test corpus_promql -- --nocapture

# Seconds for each fuzz target.
SECONDS ?= 1200

fuzz: ## Fuzz the parsers, the scoping and the store, each target for SECONDS=1200
	@sh scripts/fuzz.sh $(SECONDS)

# `--help` says which arguments there are.
bench: ## Drive the gateway and nginx in turn, and print the ratios; needs nginx and wrk
	cargo build --locked --release --package ktrlplane
	python3 scripts/bench --binary "$$(cargo metadata --format-version 1 --no-deps --offline | \
		python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/release/ktrlplane" $(ARGS)

fairness: ## Measure what a tenant notices of another one that floods; needs nginx and wrk
	cargo build --locked --release --package ktrlplane
	python3 scripts/fairness.py --binary "$$(cargo metadata --format-version 1 --no-deps --offline | \
		python3 -c 'import json, sys; print(json.load(sys.stdin)["target_directory"])')/release/ktrlplane" $(ARGS)

bench-query: ## Measure what it costs to scope a query
	cargo bench --locked --package query --bench scope

# A smaller RESOURCES is for a quick look.
bench-directory: ## Measure what a decision costs where there are RESOURCES=1000000 resources
	$(if $(RESOURCES),RESOURCES=$(RESOURCES)) cargo bench --locked --package directory --bench scale

bench-access: ## Measure a decision, and how soon grants and withdrawals are in force on two replicas
	cargo bench --locked --package directory --bench access
	cargo test --locked --profile quick --package directory --test replicas -- \
		--ignored --nocapture --test-threads=1

bench-store: ## Measure the store on disk; takes 12 GB in TMPDIR and a few minutes
	cargo bench --locked --package embedded --bench store

bench-promql: ## Measure PromQL queries over 100,000 series; takes 2 GB of memory
	cargo bench --locked --package embedded --bench promql

bench-logql: ## Measure LogQL queries over 1,000,000 lines
	cargo bench --locked --package embedded --bench logql

KILLS ?= 100
release: ## Build the static binary, the bill of materials and checksums into target/dist
	@sh scripts/release.sh

sbom: ## Print the bill of materials, in CycloneDX
	@python3 scripts/sbom.py --target "$$(rustc -vV | sed -n 's/^host: //p')"

kill-loop: ## Kill a process that writes KILLS times, and look whether anything acknowledged is gone
	KTRLPLANE_KILLS=$(KILLS) cargo test --locked --profile quick --package embedded --test kill -- --ignored --nocapture --exact a_process_that_is_killed_a_hundred_times_has_lost_nothing
