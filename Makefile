# mien: everything in two commands. `make demo` shows it, `make test` proves it.
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
BUILD = build/release

.PHONY: build train demo test bench install asan tsan fuzz parsers tidy format clean setup-build setup-test

setup-build:
	@scripts/setup build
setup-test:
	@scripts/setup test

$(BUILD)/build.ninja: CMakeLists.txt CMakePresets.json cmake/MienDependencies.cmake | setup-build
	@cmake --preset release > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }

## build: the program, build/release/bin/mien
build: setup-build
	@mkdir -p build
	@test -f $(BUILD)/build.ninja || $(MAKE) --no-print-directory $(BUILD)/build.ninja
	@cmake --build $(BUILD) --target mien -j $(JOBS)

## train: LibTorch and the program behind `mien train`, build/release/bin/mien-train
train: build
	@scripts/setup train
	@cmake --preset release > build/configure.log 2>&1 || { cat build/configure.log; exit 1; }
	@cmake --build $(BUILD) --target mien-train -j $(JOBS)

## demo: annotated results of a real picture and a real clip
demo: build
	@scripts/demo

## test: install, build and run all tests
test: setup-test
	@scripts/run_tests

## bench: compare speed with other programs on this machine (docs/benchmarks.md)
bench: setup-test build
	@scripts/setup bench
	@bench/run

## install: the program, libraries, headers and CMake package under PREFIX; the torch wing too
## after `make train`. Nothing else is compiled.
install: build
	@cmake --build $(BUILD) --target mien-wing-plain -j $(JOBS)
	@cmake --install $(BUILD) --prefix $(PREFIX) --component plain
	@if [ -x $(BUILD)/bin/mien-train ]; then \
	  cmake --build $(BUILD) --target mien-wing-train -j $(JOBS) && \
	  cmake --install $(BUILD) --prefix $(PREFIX) --component train; fi

## asan: unit and end-to-end tests under sanitizers; tsan: tests of code that runs on several threads
asan: setup-test
	@mkdir -p build
	@scripts/fetch_demo_media || echo 'no demo picture; tests that need it are skipped' >&2
	@cmake --preset $@ > build/configure-$@.log 2>&1 || { cat build/configure-$@.log; exit 1; }
	@cmake --build build/$@ -j $(JOBS)
	@ctest --test-dir build/$@ --output-on-failure -j $(JOBS) -E '^(parity|style)\.'
tsan: setup-test
	@scripts/tsan

## fuzz: every fuzz target for 20 s; parsers: tests of code that parses outside bytes, in the same build
fuzz parsers: setup-test
	@scripts/setup fuzz
	@mkdir -p build
	@cmake --preset fuzz > build/configure-fuzz.log 2>&1 || { cat build/configure-fuzz.log; exit 1; }
	@scripts/fuzz_smoke build/fuzz $(if $(filter parsers,$@),--tests)

## format, tidy: clang-format and clang-tidy over the sources
format:
	@clang-format-14 -i $$(git ls-files '*.h' '*.cc' '*.c')
tidy: setup-test
	@scripts/setup tidy
	@scripts/tidy

clean:
	@rm -rf build
