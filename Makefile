# The one test command is `make test`. Building needs only Go; the race
# detector also needs a C compiler.
BUF := bin/buf
MISSPELL := bin/misspell

.PHONY: build test spell clients soak metamorphic fmt vet proto-lint proto-check race cross manifests gen goldens examples clean

build:
	CGO_ENABLED=0 go build -trimpath -o bin/hachi ./cmd/hachi

test: fmt vet spell proto-lint proto-check asm-check cross purego manifests examples race

fmt:
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run gofmt -w on these files"; exit 1; }

vet:
	go vet ./...

$(MISSPELL): tools/misspell/go.mod
	go -C tools/misspell build -o ../../$(MISSPELL) github.com/golangci/misspell/cmd/misspell

# American spelling. internal/lint has the words that hachi does not use.
spell: $(MISSPELL)
	@git ls-files '*.go' '*.md' '*.proto' '*.yaml' '*.sh' '*.py' Makefile | grep -v -e /testdata/ -e '\.pb\.go' -e internal/lint/vocabulary_test.go | \
		xargs $(MISSPELL) -locale US -error

$(BUF): tools/buf/go.mod
	go -C tools/buf build -o ../../$(BUF) github.com/bufbuild/buf/cmd/buf

proto-lint: $(BUF)
	$(BUF) lint
	$(BUF) breaking --against proto/image.binpb

# Generated code must be what the schema generates.
proto-check: $(BUF)
	rm -rf .cache/gen && mkdir -p .cache/gen
	$(BUF) generate -o .cache/gen
	@for f in proto/hachi/v1/*.pb.go; do cmp $$f .cache/gen/$$f || { echo "run make gen"; exit 1; }; done

# The assembly must be what its generator writes.
asm-check:
	rm -rf .cache/asm && mkdir -p .cache/asm/avx512 .cache/asm/avx2 .cache/asm/neon
	go -C tools/kernelasm run . -out ../../.cache/asm
	@for f in internal/compute/kernel/*/kernels_*.s internal/compute/kernel/*/stubs_*.go; do \
		cmp $$f .cache/asm/$${f#internal/compute/kernel/} || { echo "run make asm"; exit 1; }; done

# Without assembly: only the reference.
purego:
	go vet -tags purego ./internal/compute/... && go test -tags purego ./internal/compute/...

# The arm64 kernels under emulation, with dot products of bytes and on a
# processor without them; needs qemu-aarch64-static (Debian: qemu-user-static).
arm64:
	CGO_ENABLED=0 GOARCH=arm64 HACHI_EXPECT_KERNEL="neon-dot neon" QEMU_CPU=max go test -exec qemu-aarch64-static ./internal/compute/...
	CGO_ENABLED=0 GOARCH=arm64 HACHI_EXPECT_KERNEL=neon QEMU_CPU=cortex-a53 go test -exec qemu-aarch64-static ./internal/compute/kernel

cross:
	CGO_ENABLED=0 go build ./...
	CGO_ENABLED=0 GOARCH=arm64 go build ./...

# Nothing is cached: what these tests read lies outside of their module.
manifests:
	go -C deploy/k8s/verify vet ./...
	go -C deploy/k8s/verify test -count=1 ./...

# The examples are another module: they build with what importers can reach.
examples:
	CGO_ENABLED=0 go -C examples vet ./...
	CGO_ENABLED=0 go -C examples build -o /dev/null ./...

race:
	CGO_ENABLED=1 go test -race -timeout 15m ./...

# Long and large: what is too big for every commit. The tests need 8 GB of disk
# and, to drop packets, root and ip(8) (Debian: iproute2).
SOAK := .cache/soak
soak: build
	go test -tags soak -timeout 60m -run 'OfAMixtral|WithoutReset' -v ./test/e2e
	rm -rf $(SOAK) && mkdir -p $(SOAK)
	bin/hachi model init --preset small $(SOAK)/small
	bin/hachi bench failover --model $(SOAK)/small --nodes 4 --replicas 2 --streams 16 --fault kill --repeat 50 --figure $(SOAK)/kill.svg
	bin/hachi bench failover --model $(SOAK)/small --nodes 4 --replicas 2 --streams 16 --fault stop --repeat 10 --figure $(SOAK)/stop.svg
	bin/hachi bench failover --model $(SOAK)/small --nodes 4 --replicas 2 --streams 16 --fault delay --repeat 2
	bin/hachi bench cluster --model $(SOAK)/small
	bin/hachi bench overload --model $(SOAK)/small --nodes 2 --factor 3 --for 5m
	rm -rf $(SOAK)/small

# OpenAI's clients for Python and Node against a running cluster; needs
# python3, node, npm and, the first time, their registries.
clients:
	tools/clients/run.sh

# Every combination of settings gives the same bits.
metamorphic:
	go test ./internal/router/engine -run TestMetamorphic -long -timeout 60m -v

gen: $(BUF)
	$(BUF) generate

asm:
	go -C tools/kernelasm run .

goldens:
	python3 internal/backend/cpu/testdata/make_goldens.py
	python3 internal/backend/cpu/testdata/make_qwen3_goldens.py

clean:
	rm -rf bin .cache
