# valor: `make demo` shows it, `make test` proves it. Both install what they need.

CARGO ?= cargo
PROFILE := --release
BIN := target/release
DEMO_LISTEN ?= 127.0.0.1:8080

CHAOS ?= 60

# What `make deb` packs and `make bench` measures: optimised across crates, which builds everything anew and takes long, for a tenth fewer
# instructions a request. `DEB=release` takes what `make build` has made.
DEB ?= dist
BENCH ?= dist

# Where `make bench` writes; daemon/benches/results is what is committed.
OUT ?= target/bench

# The examples that are a module of WebAssembly, too, from the same source.
GUESTS := hello with-state axum-router fetch markdown

.PHONY: help build demo demo-stop test test-web bench bench-guard chaos conformance test-systemd test-cgroup2 deb test-deb lint tools clean

help: ## this text
	@awk -F':.*## ' '/^[a-z0-9-]+:.*## /{printf "  make %-13s %s\n", $$1, $$2}' Makefile

# target/wasm32-unknown-unknown/release/hello_plugin.wasm is what `valorctl register` and browsers take.
# Always the whole workspace, so that every target shares one set of features and nothing is built twice.
build: ## target/release/{valord,valor-shim,valor-shim-js,valorctl} and the examples
	$(CARGO) build $(PROFILE) --locked --workspace
	$(MAKE) -C examples/hello-c OUT=$(abspath $(BIN))
	$(MAKE) -C examples/hello-wasi OUT=$(abspath $(BIN))
	@rustup target list --installed | grep -qx wasm32-unknown-unknown || rustup target add wasm32-unknown-unknown
	$(CARGO) build $(PROFILE) --locked --target wasm32-unknown-unknown $(GUESTS:%=-p %)

demo: build ## start valord with every example on http://127.0.0.1:8080
	@examples/demo.sh start $(DEMO_LISTEN)

demo-stop: ## stop what `make demo` started
	@examples/demo.sh stop

test: tools build ## every test, as CI runs them
	$(CARGO) build $(PROFILE) --locked --workspace --all-targets
	$(CARGO) build $(PROFILE) --locked --target wasm32-unknown-unknown $(GUESTS:%=-p %) -p valor-test-guest
	$(MAKE) -C daemon/tests/plugins/wasi OUT=$(abspath $(BIN))
	$(CARGO) nextest run --cargo-profile release --locked --workspace $(if $(CI),--profile ci)
	$(CARGO) test $(PROFILE) --locked --doc -p valor
	node --test sdk/web/tests/loader/*.test.mjs

test-web: build ## plugins in the browser, in Debian's Chromium (installs it)
	sdk/web/tests/run

# What is shipped is measured: BENCH=release spares the second build, and is a tenth slower.
bench: ## valord beside nginx, haproxy, wasmtime, Deno, workerd, axum: a quarter of an hour (QUICK=1: minutes), root; results in OUT
	$(CARGO) build --profile $(BENCH) --locked --workspace --lib --bins --examples
	@rustup target list --installed | grep -qx wasm32-unknown-unknown || rustup target add wasm32-unknown-unknown
	$(CARGO) build --profile $(BENCH) --locked --target wasm32-unknown-unknown -p hello
	$(MAKE) -C examples/hello-wasi OUT=$(abspath target/$(BENCH))
	python3 -B daemon/benches/bench $(if $(QUICK),--quick) --out $(OUT) target/$(BENCH)

bench-guard: ## instructions per request under callgrind, against the committed figures (UPDATE=1 commits new ones)
	@command -v valgrind >/dev/null || apt-get install -y -qq valgrind
	$(CARGO) build $(PROFILE) --locked --workspace --all-targets
	daemon/benches/guard.py $(if $(UPDATE),--update) $(BIN)

chaos: build ## plugins killed, hung, replaced and flooded for CHAOS seconds, every answer checked
	VALOR_TEST_CHAOS=$(CHAOS) $(CARGO) test $(PROFILE) --locked --workspace --test e2e -- --exact chaos::nobody_feels_the_faults_of_another --nocapture

conformance: build ## what others judge by: httplint, redbot, h2load, slowhttptest, grpcio (installs them)
	daemon/tests/conformance/run $(if $(QUICK),quick) $(BIN)
	daemon/tests/conformance/grpc.sh $(BIN)

test-systemd: build ## the units under a booted systemd (root)
	daemon/tests/system/run $(BIN)

test-cgroup2: build ## cgroup v2 in a virtual machine, some minutes (root)
	daemon/tests/system/cgroup2 $(BIN)

deb: ## target/debian/valor_*.deb, optimised across crates (DEB=release: of what `make build` builds)
	$(CARGO) build --profile $(DEB) --locked --workspace --bins
	BIN=target/$(DEB) daemon/packaging/deb/build --profile $(DEB)

test-deb: build deb ## install, upgrade, remove and purge it in a clean root (root)
	daemon/tests/system/deb

lint: ## formatting, clippy, documentation links
	$(CARGO) fmt --all --check
	$(CARGO) clippy $(PROFILE) --locked --workspace --all-targets -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(PROFILE) --locked --workspace --no-deps

tools:
	@command -v cargo-nextest >/dev/null || $(CARGO) install --locked cargo-nextest@0.9.143
	@command -v node >/dev/null || { apt-get update -qq && apt-get install -y -qq nodejs; }
	@rustup toolchain list | grep -q '^nightly' || rustup toolchain install nightly --profile minimal

clean:
	$(CARGO) clean
