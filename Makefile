# Argos. `make run` shows it working, `make test` proves it; both work on a bare Debian or Ubuntu with Node >= 20, npm, make and root.
SHELL := /bin/sh
NODE_VERSION := 24.21.0
NODE_PLATFORM := $(shell uname -s | tr A-Z a-z)-$(shell uname -m | sed -e s/x86_64/x64/ -e s/aarch64/arm64/)
NODE_PACKAGE := node-$(NODE_PLATFORM)
TOOLS := $(CURDIR)/.tools
NODE_BIN := $(TOOLS)/node_modules/$(NODE_PACKAGE)/bin

# The machine's own Node, when it is new enough (package.json, engines), else the one that `make install` brings.
OWN_NODE := $(shell node -e 'const [a, b] = process.versions.node.split(".").map(Number); console.log((a === 22 && b >= 22) || (a === 24 && b >= 11) || a >= 26 ? "yes" : "no")' 2>/dev/null)
# npm runs by the machine's own Node, which knows the machine's certificates.
NPM := PATH='$(PATH)' npm
ifneq ($(OWN_NODE),yes)
export PATH := $(NODE_BIN):$(PATH)
NODE_READY := $(NODE_BIN)/node
endif
export PATH := $(CURDIR)/node_modules/.bin:$(PATH)
# npm's own settings for another Node's headers would be wrong for this one.
unexport npm_config_nodedir

# How often a spec that fails is tried again. The gate says 1: its machine is shared, and real servers have their moments; what fails twice has failed.
RETRIES ?= 0

.PHONY: install services run test test-long check format bench otp-replay schema clean

install: node_modules/.package-lock.json

node_modules/.package-lock.json: package.json package-lock.json $(NODE_READY)
	$(NPM) ci --ignore-scripts --no-audit --no-fund
	@touch $@

$(NODE_BIN)/node:
	$(NPM) install --prefix $(TOOLS) --no-save --no-package-lock --ignore-scripts --no-audit --no-fund $(NODE_PACKAGE)@$(NODE_VERSION)

# Real servers for the specs. Those that are there already are used; the specs start their own processes of them, on free ports.
services:
	@missing=""; \
	command -v mosquitto >/dev/null || [ -x /usr/sbin/mosquitto ] || missing="$$missing mosquitto"; \
	command -v mosquitto_pub >/dev/null || missing="$$missing mosquitto-clients"; \
	ls /usr/lib/postgresql/*/bin/initdb >/dev/null 2>&1 || missing="$$missing postgresql"; \
	command -v curl >/dev/null || missing="$$missing curl"; \
	command -v strace >/dev/null || missing="$$missing strace"; \
	[ -z "$$missing" ] && exit 0; \
	[ "$$(id -u)" = 0 ] || { echo "the specs need$$missing: install them (apt-get install$$missing), or run make test as root" >&2; exit 1; }; \
	echo "installing$$missing"; \
	apt-get update -qq && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get install -y -qq --no-install-recommends $$missing

run: install
	node --disable-warning=ExperimentalWarning bin/demo.ts

test: install services check

# Everything that can be checked, in one word: format, lint, promises, types, then the specs (floors and schema freshness among them).
check: install
	biome ci
	oxlint --type-aware --deny-warnings
	tsc -p .
	c8 mocha --retries $(RETRIES) 'spec/**/*.spec.ts'

test-long: install services
	ARGOS_LONG=1 mocha 'spec/**/*.spec.ts'

format: install
	biome check --write

schema: install
	node config/schema.ts
	node config/reference.ts

otp-replay: install
	@node spec/otp/replay.ts $(FILES)

bench: install services
	node --expose-gc bench/run.ts

clean:
	rm -rf node_modules .tools coverage data
