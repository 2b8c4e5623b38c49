# Everything here needs Go and make and nothing else, but for the targets that say
# "pinned tools": these compile them from .tools/go.mod on first use, which takes a few
# minutes once.

SEEDS ?= 2000
FIRST ?= 1
FUZZTIME ?= 10s
LINES ?= 20000
FUZZED = $(sort $(dir $(shell grep -rl --include=*_test.go '^func Fuzz' .)))
VERSION ?= $(shell git describe --tags --always --dirty --match 'v[0-9]*' 2>/dev/null || echo unknown)
LDFLAGS  = -s -w -X main.version=$(VERSION)
TOOL     = go tool -modfile=.tools/go.mod

# The last release before this commit: what callers of the contract use today. On a
# release's own commit this is the release before it.
RELEASE = $(shell git describe --tags --abbrev=0 --match 'v[0-9]*' HEAD^ 2>/dev/null)

.DEFAULT_GOAL := help
# The checks are one story, told in order, also under make -j.
.NOTPARALLEL:
.PHONY: help run test race sim sim-bugs fuzz rules bench build generate capabilities configuration fmt vet lint breaking fresh check tools clean

help: ## list the targets
	@awk 'BEGIN { FS = ":.*## " } /^[a-z-]+:.*## / { printf "  make %-13s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

run: ## start everything on this machine, with simulated gateways
	@go build -buildvcs=false -o bin/paydev ./cmd/paydev && exec bin/paydev $(ARGS)

# The tests of real processes and sockets come one by one and first on the processor: they tell by
# the clock what is stuck. All others have what these leave over.
test: ## run all tests
	@others=$$(go list ./... | grep -v '/cmd/'); said=$$(mktemp); \
	nice -n 19 go test $$others >$$said 2>&1 & beside=$$!; trap 'kill $$beside 2>/dev/null' INT TERM; \
	ok=0; go test -p 1 -parallel 1 ./cmd/... || ok=1; \
	wait $$beside || ok=1; cat $$said; rm -f $$said; exit $$ok

race: ## run all tests with the race detector (needs a C compiler)
	CGO_ENABLED=1 go test -race ./...

sim: ## simulate the whole house: SEEDS=2000 of them, from FIRST=1 on, or one by SEED=n
	@go test -count=1 -timeout 0 -v ./router/simulation -run '$(if $(SEED),^TestOneSeedAlone$$,^(TestTheHouse|TestOneSeedHas))' \
		-args $(if $(SEED),-sim.seed=$(SEED),-sim.first=$(FIRST) -sim.seeds=$(SEEDS))

sim-bugs: ## plant known mistakes, one by one: the simulation must find each
	@go test -count=1 -timeout 0 -v ./router/simulation -run '^TestPlantedBugsAreFound$$' -args -sim.bugs $(if $(BUG),-sim.bug='$(BUG)')

fuzz: ## run every fuzz target for FUZZTIME (10s), after its seeds and corpus
	@set -e; corpus=$$(go env GOCACHE)/fuzz; for package in $(FUZZED); do \
		go test -c -fuzz . -o $(CURDIR)/bin/fuzz.test ./$$package; path=$$(go list ./$$package); \
		for target in $$(cd $$package && $(CURDIR)/bin/fuzz.test -test.list '^Fuzz'); do \
			echo "$$path $$target"; \
			(cd $$package && $(CURDIR)/bin/fuzz.test -test.run '^$$' -test.fuzz "^$$target\$$" -test.fuzztime $(FUZZTIME) -test.fuzzminimizetime 1s \
				-test.fuzzcachedir $$corpus/$$path) >.fuzz.log 2>&1 || { cat .fuzz.log; exit 1; }; \
	done; done; rm -f .fuzz.log bin/fuzz.test

rules: ## check and try the alert rules (needs promtool, which comes with prometheus)
	@command -v promtool >/dev/null || { echo 'promtool is missing: apt-get install --no-install-recommends prometheus' >&2; exit 1; }
	promtool check config deploy/prometheus/prometheus.yaml
	promtool test rules deploy/prometheus/payrouter.rules*.test.yaml

# Less than a quarter of an hour in all.
bench: ## measure the core, the journal, the back office, and the whole house (ARGS for paydev bench)
	go test -run '^$$' -bench . -timeout 60m ./router/payment ./router/journal
	go test -run '^$$' -bench . -timeout 60m ./router/office -lines $(LINES)
	go run ./cmd/paydev bench $(ARGS)

build: ## build static binaries into bin/, stamped with the version
	CGO_ENABLED=0 go build -trimpath -ldflags '$(LDFLAGS)' -o bin/ ./cmd/payrouter ./cmd/payctl ./cmd/paydev

generate: ## write the code that comes from proto/ (pinned tools)
	@rm -rf .generated
	$(TOOL) buf generate --template .buf.gen.yaml -o .generated
	@# Swapped in whole, so that a failure changes nothing and no file outlives its source.
	@find proto -name '*.pb.go' -delete
	@cp -R .generated/proto/. proto/
	@rm -rf .generated

capabilities: ## write the README's table of gateways from what the conformance tests have kept
	@go test -count=1 ./cmd/internal/app -run '^TestTheREADMEShowsWhatEveryGatewayCan$$' -update

configuration: ## write docs/configuration.md from the code
	@go test -count=1 ./cmd/internal/app -run '^TestTheConfigurationReferenceIsWhatTheCodeSays$$' -update

fmt: ## format Go and proto files (pinned tools)
	gofmt -w .
	$(TOOL) buf format -w --exclude-path proto/google

vet: ## run go vet
	go vet ./...

lint: ## run golangci-lint, buf lint and buf format (pinned tools)
	$(TOOL) golangci-lint run
	$(TOOL) buf lint
	$(TOOL) buf format --diff --exit-code --exclude-path proto/google

breaking: ## compare the contract with the last release (pinned tools)
	@if [ -z '$(RELEASE)' ]; then \
		echo 'no release yet, nothing to compare'; \
		[ "$$(git rev-parse --is-shallow-repository)" != true ] || echo 'note: this clone is shallow and may lack the tags'; \
	else \
		echo 'comparing with $(RELEASE)'; \
		$(TOOL) buf breaking --against '.git#tag=$(RELEASE)'; \
	fi

fresh: generate ## fail when generated code is not what proto/ says (pinned tools)
	@git diff --exit-code -- proto
	@untracked=$$(git ls-files --others --exclude-standard -- 'proto/*.pb.go'); \
	if [ -n "$$untracked" ]; then \
		printf 'generated, but not under version control:\n%s\n' "$$untracked"; exit 1; \
	fi

check: ## all that CI runs, in its order (pinned tools)
	@echo '== generated code is fresh =='
	@$(MAKE) --no-print-directory fresh
	@echo '== gofmt =='
	@unformatted=$$(gofmt -l .); \
	if [ -n "$$unformatted" ]; then \
		printf 'not formatted, run make fmt:\n%s\n' "$$unformatted"; exit 1; \
	fi
	@echo '== go vet =='
	@$(MAKE) --no-print-directory vet
	@echo '== lint =='
	@$(MAKE) --no-print-directory lint
	@echo '== contract against the last release =='
	@$(MAKE) --no-print-directory breaking
	@echo '== alert rules =='
	@$(MAKE) --no-print-directory rules
	@echo '== tests =='
	@$(MAKE) --no-print-directory test
	@echo '== simulation =='
	@$(MAKE) --no-print-directory sim SEEDS=200
	@echo '== a planted mistake is found =='
	@$(MAKE) --no-print-directory sim-bugs BUG=time-out
	@echo '== fuzzing =='
	@$(MAKE) --no-print-directory fuzz FUZZTIME=500x

tools: ## compile the pinned tools ahead of time
	$(TOOL) buf --version
	$(TOOL) golangci-lint version
	$(TOOL) gotestsum --version
	$(TOOL) grpcurl -version
	@# benchstat has no version flag; with nothing to read it says nothing.
	$(TOOL) benchstat /dev/null

clean: ## remove what make has built
	rm -rf bin .generated
