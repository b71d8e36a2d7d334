# Everything that the checks need and the machine lacks is installed by scripts/install, which says so.
# `make CARGO=…` takes another cargo.

CARGO ?= cargo
TIME ?= 600
export CARGO

.DEFAULT_GOAL := help
.PHONY: help run test page browsers screens bench-page fmt lint doc unit deny web interop fuzz fuzz-short checks-apply checks bench bench-crypto bench-log audit-million kill-log faults timing mutants install

help: ## this list
	@sed -nE 's/^([a-z-]+):[^#]*## (.*)/  make \1	\2/p' $(MAKEFILE_LIST) | expand -t 22

run: page ## build, then show everything at work on 100 real tickets, and the reporter's page
	scripts/install build
	$(CARGO) build --release --locked
	"$${CARGO_TARGET_DIR:-target}"/release/tabir demo

test: install fmt lint doc deny checks-apply unit web browsers interop fuzz-short ## every check that a change must pass
	@echo "make test: all passed"

install: # what the checks need from the system
	scripts/install test

page: ## the reporter's page, into web/dist, from where the program takes it in
	scripts/page

fmt: ## formatting
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check

lint: install ## clippy, warnings denied
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings

doc: install ## documentation of tabir-crypto, warnings denied
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc -p tabir-crypto --no-deps --document-private-items --locked
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc -p tabir-crypto --no-deps --locked

unit: install page ## all tests of both crates
	$(CARGO) test --workspace --locked --no-fail-fast

fuzz: ## fuzz every decoder of crypto/, TIME=600 seconds each, or those of TARGETS=; a table at the end
	scripts/fuzz run $(TIME) $(TARGETS)

fuzz-short: # 10 seconds each: part of make test
	scripts/fuzz run 10

deny: ## licences, bans, sources and advisories of the dependencies
	scripts/deny

web: install ## the page and its cryptography: types, all vectors, the built page, envelopes of each side opened by the other
	scripts/web

browsers: install ## the page in Chromium and in Firefox as Tor Browser's "Safer": the whole journey, what goes wrong on the way, traces, requests, accessibility (minutes)
	scripts/browsers

screens: install ## pictures of every state of the page, phone and desktop, both languages and schemes, into target/screens
	scripts/browsers screens

bench-page: install ## what the page weighs, and how long it takes on a slow phone and a slow line; writes target/figures/page.json
	scripts/browsers figures

interop: install ## independent clients against running roles
	scripts/interop

checks-apply: ## every patch that takes a security check out still applies
	scripts/checks apply

checks: install ## each security check taken out turns its test red (minutes; `scripts/checks run NAME` for one)
	scripts/checks run

bench: install ## measure; writes target/figures
	scripts/bench

bench-crypto: ## sealing, helping, opening and the key ceremony beside X25519; writes target/figures/crypto.json
	scripts/install build
	scripts/bench crypto

bench-log: ## entries a second, on disk, proofs, hashing beside Go, the audit of 10^7 entries (half an hour, 15 GB); writes target/figures/log.json
	scripts/install build go
	scripts/bench log

audit-million: install ## a clean log of 10^6 entries raises nothing, two lies in it are named (minutes)
	$(CARGO) test --release --locked --test lies million -- --ignored --nocapture --test-threads 1

kill-log: install ## kill whoever grows the log 200 times under load: one consistent log is left (ten minutes)
	TABIR_KILLS=200 $(CARGO) test --locked --test log_kill -- --nocapture

faults: install ## roles killed 500 times under load, full and broken disks, outages, jumping clocks; what was lost, doubled or late (half an hour; writes target/figures/faults.json)
	TABIR_FAULTS=1 TABIR_CYCLES=500 $(CARGO) test --release --locked --test faults -- --nocapture --test-threads 1

timing: ## does the time of an operation tell of its secret? (minutes; writes target/figures/timing.json)
	scripts/install build
	$(CARGO) bench -p tabir-crypto --bench timing --locked

mutants: ## crypto/ changed in small ways: which change does no test notice? (an hour or more; writes target/figures/mutants.json)
	scripts/install mutants
	scripts/mutants
