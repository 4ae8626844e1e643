# What a developer and CI run. `make` alone lists the targets.

GO    ?= go
TOOL  := $(GO) tool -modfile=tools/go.mod
PKGS  ?= ./...
COUNT ?= 6
FUZZTIME ?= 10s

.DEFAULT_GOAL := help
.PHONY: help check fmt-check lint generate-check generate fmt test race bench screenshots fuzz vuln build demo

help: ## list the targets
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-15s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

check: fmt-check lint generate-check test race ## what CI runs: format, vet, staticcheck, generated code, tests, tests with -race

build: ## bin/tidings, one static binary
	CGO_ENABLED=0 $(GO) build -trimpath -o bin/tidings ./cmd/tidings

demo: ## everything at work on an empty machine, until Ctrl-C
	$(GO) run ./cmd/tidings demo

test: ## all tests, the rule tests and e2e among them
	$(GO) test $(PKGS)

# What the race detector would not see or has seen already is left out of its run:
#   e2e, bench    the binary under test is a process of its own
#   raceless      packages where nothing runs beside anything else
#   one_goroutine long tests that do all on their own goroutine
#   RunTwice      the operations of TestSQLite again, on the same goroutines
#   sqlite/lib    SQLite's memory is none of Go's, which is all that the detector watches: instrumenting it only takes time
# TestWhatIsLeftOutOfRaceHasNothingToRace holds the two lists.
raceless      := tidings tidings/curl tidings/scope
one_goroutine := TestEveryLimitIsReached TestMemoryStaysWithinTheBudget TestLongSourcesAreReadInOnePass
empty         :=
race_skip     := ^($(subst $(empty) $(empty),|,TestOperationsMayRunTwice $(one_goroutine)))$$
race_flags    := -race -vet=off -gcflags=modernc.org/sqlite/lib=-race=false

race: ## all tests that the race detector can say something about, with it
	CGO_ENABLED=1 $(GO) test $(race_flags) -skip '$(race_skip)' $$($(GO) list $(PKGS) | grep -vx $(foreach p,tidings/e2e tidings/bench $(raceless),-e $(p)))

bench: ## the benchmarks of the packages, in the form that benchstat reads
	$(GO) test -run '^$$' -bench . -benchmem -count $(COUNT) $(PKGS)

screenshots: ## docs/img/: a picture of every page (needs chromium)
	@mkdir -p docs/img
	$(GO) test ./e2e -run '^TestEveryPageIsAccessible' -count=1 -pictures $(CURDIR)/docs/img

fuzz: ## every fuzz target for FUZZTIME (10s)
	@$(GO) list -f '{{.ImportPath}} {{.Dir}}' $(PKGS) | while read -r pkg dir; do \
		for target in $$(grep -ho '^func Fuzz[A-Za-z0-9_]*' "$$dir"/*_test.go 2>/dev/null | sed 's/func //'); do \
			echo "$$pkg $$target"; \
			$(GO) test -run '^$$' -fuzz "^$$target\$$" -fuzztime $(FUZZTIME) "$$pkg" || exit 1; \
		done; \
	done

generate: ## write the generated code and the tables of the documentation anew
	$(GO) generate ./...

generate-check: # the working tree must be the same after `make generate`
	@before=$$(mktemp) && after=$$(mktemp) && trap 'rm -f "$$before" "$$after"' EXIT && \
	git diff > "$$before" && git status --porcelain >> "$$before" && \
	$(GO) generate ./... && \
	git diff > "$$after" && git status --porcelain >> "$$after" && \
	{ cmp -s "$$before" "$$after" || { echo 'generated files are out of date: run "make generate" and commit what it changes'; diff "$$before" "$$after" | head -40; exit 1; }; }

fmt: ## format the code
	$(TOOL) gofumpt -w .

fmt-check: # gofumpt finds nothing to change
	@list=$$($(TOOL) gofumpt -l .) && { [ -z "$$list" ] || { printf 'not formatted, run "make fmt":\n%s\n' "$$list"; exit 1; }; }

lint: ## go vet and staticcheck
	$(GO) vet ./...
	$(TOOL) staticcheck ./...

vuln: ## known vulnerabilities in what is linked (needs the network: the database of govulncheck)
	$(TOOL) govulncheck ./...
