# What one does with Lendkeep. `make demo` and `make test` are the two to know.
GO ?= go
export CGO_ENABLED ?= 0

.PHONY: build demo check test prove bench bench-decisions openapi fmt clean

# All programs, into bin/. Pure Go: a compiler and this tree suffice.
build:
	@mkdir -p bin
	$(GO) build -trimpath -o bin/lendkeep ./platform
	$(GO) build -trimpath -o bin/auditor ./auditor
	$(GO) build -trimpath -o bin/ipstack-standin ./standin/ipstack

# Everything on the loopback address, with sample data; Ctrl-C ends it.
demo: build
	bin/lendkeep demo

# What needs nothing installed, within a minute on a warm cache.
check:
	@scripts/check

# Everything: both database engines, the race detector, a real browser. What is
# missing is installed from Debian packages.
test:
	@scripts/test

# The hard properties at full length; up to an hour.
prove:
	@scripts/prove

# Figures beside their peers and targets; docs/performance.md reads them. A
# PostgreSQL server is started for the run unless LENDKEEP_TEST_POSTGRES names
# one, whose million loans are then kept for the next run. About 30 minutes.
bench: bench-decisions
	@dir=$${TMPDIR:-/tmp}/lendkeep-bench; own=; mkdir -p "$$dir"; \
	if [ -z "$$LENDKEEP_TEST_POSTGRES" ] && dsn=$$(LENDKEEP_TEST_FSYNC=on scripts/postgres start "$$dir/server"); then \
		own=1; export LENDKEEP_TEST_POSTGRES="$$dsn"; rm -rf "$$dir"/postgres-*; fi; \
	$(GO) test -tags bench -count=1 -timeout 120m -v ./platform/internal/house/bench; code=$$?; \
	if [ -n "$$own" ]; then scripts/postgres stop "$$dir/server"; rm -rf "$$dir"/postgres-*; fi; exit $$code

# One access decision beside casbin, cedar-go and OPA, which first prove that they
# decide the same. About a minute once the peers are built.
bench-decisions:
	@$(GO) test -run PeersTable ./platform/internal/access
	@cd bench && $(GO) test . && $(GO) run .

# The description of the API, from the one list of operations.
openapi:
	@mkdir -p bin
	@$(GO) build -trimpath -o bin/lendkeep ./platform
	bin/lendkeep openapi > bin/openapi.json && mv bin/openapi.json docs/openapi.json

fmt:
	gofmt -w $$(find . -name '*.go' -not -path './.git/*' -not -name '*_templ.go')

clean:
	rm -rf bin
	$(GO) clean -testcache
