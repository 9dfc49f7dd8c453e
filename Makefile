# The front door. meson does the work; every target here is a line or two.
#
#   make build    build/assay (release)              make demo     a verdict for the bundled clip, in one go
#   make test     every test; ends with one line     make bench    measurements (docs/benchmarks.md)
#   make torture  kill -9, power loss, each call fails, hostile files: long forms (docs/reliability.md)
#   make soak     10,000 connections, then mixed traffic for SOAK_MINUTES (30): nothing piles up (docs/reliability.md)
#   make fuzz     every fuzz target, FUZZ_SECONDS each   make lint     layers, format, spelling, static checks
#   make install  to PREFIX (default /usr/local)     make format   clang-format over all sources

MESON_ARGS ?=
FUZZ_SECONDS ?= 60
PREFIX ?= /usr/local
LONG = meson test -C build --no-rebuild --verbose --timeout-multiplier 0
ifdef CI
MESON_ARGS += -Dwerror=true
endif

.PHONY: build demo test bench fuzz format lint install clean deps torture soak
build: deps
	@tools/build build $(MESON_ARGS)
deps:
	@tools/deps
demo: build
	@tools/demo/run
test:
	@tools/deps --tests
	@tools/test $(MESON_ARGS)
bench: build
	@bench/run
torture: build
	@TORTURE_ROUNDS=$${TORTURE_ROUNDS:-1000} $(LONG) flow/kill
	@POWER_SEEDS=$${POWER_SEEDS:-10000} $(LONG) power
	@FAULT_STEP=$${FAULT_STEP:-1} $(LONG) fault/engine
	@CALLS_SECONDS=$${CALLS_SECONDS:-3600} CALLS_STEP=$${CALLS_STEP:-1} $(LONG) flow/calls
	@HOSTILE_FILES=$${HOSTILE_FILES:-0} $(LONG) flow/media
soak: build
	@SIEGE_UPLOADS=1000 SIEGE_IDLE=10000 $(LONG) flow/siege
	@SOAK_SECONDS=$$(($${SOAK_MINUTES:-30} * 60)) $(LONG) flow/soak
fuzz: deps
	@tools/fuzz $(FUZZ_SECONDS)
format:
	@clang-format -i $$(git ls-files '*.c' '*.h')
lint: deps
	@tools/lint
install: build
	@tools/install "$(PREFIX)" "$(DESTDIR)"
clean:
	rm -rf build build-asan build-tsan build-fuzz
