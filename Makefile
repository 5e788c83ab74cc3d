# make help lists the targets.
GO        ?= go
PKGS      := ./...
FUZZTIME  ?= 3000x
BENCHTIME ?= 2s
EXCHANGES ?= 30000
NODE_DIRS := exchange/web exchange/web/browser exchange/examples/spa exchange/examples/react

.DEFAULT_GOAL := help

.PHONY: help
help: ## list the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 12

.PHONY: dev
dev: ## run the whole thing on this machine, no account anywhere
	$(GO) run ./cmd/fauna-login dev

.PHONY: build
build: ## build the binary ./fauna-login
	$(GO) build -trimpath -o fauna-login ./cmd/fauna-login

.PHONY: test
test: lint race fuzz ## everything CI runs

.PHONY: race
race: ## all tests under the race detector
	$(GO) test -race -timeout 20m $(PKGS)
	@for needed in node npm chromium; do \
		command -v $$needed >/dev/null || echo "SKIPPED: $$needed is not there, and what needs it (the client, the scripts for Auth0, the pages in a browser) WAS NOT TESTED"; \
	done
	@for dir in $(NODE_DIRS); do \
		[ -d $$dir/node_modules ] || echo "SKIPPED: $$dir WAS NOT TESTED, its packages are not there: make node-modules"; \
	done

.PHONY: lint
lint: ## gofmt, vet, staticcheck
	@unformatted=$$(gofmt -l .); if [ -n "$$unformatted" ]; then echo "gofmt these files:"; echo "$$unformatted"; exit 1; fi
	$(GO) vet $(PKGS)
	$(GO) tool staticcheck $(PKGS)

.PHONY: fuzz
fuzz: ## each fuzz target for FUZZTIME (a time, or a count as 5000x)
	@set -e; $(GO) list -f '{{if or .TestGoFiles .XTestGoFiles}}{{.ImportPath}} {{.Dir}}{{end}}' $(PKGS) | while read -r pkg dir; do \
		for target in $$(grep -hoE '^func Fuzz[A-Za-z0-9]+' $$dir/*_test.go 2>/dev/null | sed 's/func //' | sort -u); do \
			echo "fuzz $$target $$pkg"; \
			$(GO) test -run '^$$' -fuzz "^$$target$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 1x $$pkg; \
		done; \
	done

.PHONY: node-modules
node-modules: ## the npm packages of the tests in Node and in the browser; without them those are skipped
	@set -e; for dir in $(NODE_DIRS); do \
		echo "npm ci $$dir"; (cd $$dir && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error); \
	done

.PHONY: soak
soak: ## the races of exchanges and revocations, 10,000 rounds each
	FAUNA_LOGIN_SOAK=1 $(GO) test -run 'TestExchangeAgainstRevocation' -timeout 2h -v ./exchange

.PHONY: bench
bench: ## the benchmarks of an exchange and its floor, then those of each package
	$(GO) test -run '^$$' -bench 'Floor|Exchange|DenyMarks' -benchtime $(EXCHANGES)x -timeout 30m ./cmd/fauna-login
	$(GO) test -run '^$$' -bench 'Stages|Users|Start|Admin' -benchtime $(BENCHTIME) -timeout 30m ./cmd/fauna-login
	$(GO) test -run '^$$' -bench . -benchmem -benchtime $(BENCHTIME) $$($(GO) list $(PKGS) | grep -v cmd/)

.PHONY: smoke
smoke: ## start dev and paste its walk-through line by line
	cmd/fauna-login/testdata/smoke.sh
