# The one test command is `make test`. Building needs only Go; the race
# detector also needs a C compiler.
BUF := bin/buf
MISSPELL := bin/misspell
GOTESTSUM := bin/gotestsum
GOLANGCI := bin/golangci-lint
GOVULNCHECK := bin/govulncheck
CYCLONEDX := bin/cyclonedx-gomod

.PHONY: help build build-cuda cubin cubin-check gpu-check amx-check test study without-race clusters chaos kill-soak dashboards quick spell lint vuln sbom image image-check clients screens screenshots fuzz share-check soak s3 metamorphic fmt vet proto-lint proto-check race cross manifests kube kube-node sidecar-check gen goldens examples mini mini-smoke mini-table clean

# Everything but the race detector is built without cgo, so that each package is compiled
# once for all targets.
export CGO_ENABLED = 0

# With the flags of the released binary, so that its packages are compiled once too.
export GOFLAGS += -trimpath

help: ## list the targets
	@grep -hE '^[a-z0-9-]+:.*## ' Makefile | sed -E 's/^([a-z0-9-]+):[^#]*## /\1\t/' | expand -t 16

# Go stamps the commit by itself, but neither in a worktree of git nor with
# -buildvcs=false.
COMMIT = $(shell git describe --always --abbrev=40 --dirty --exclude '*' 2>/dev/null)

build: ## build bin/hachi
	go build -trimpath -ldflags '-X github.com/hachi-serve/hachi/internal/version.commit=$(COMMIT)' -o bin/hachi ./cmd/hachi

test: fmt vet spell proto-lint proto-check asm-check cross purego manifests dashboards examples without-race clusters race ## check everything; CONTRIBUTING.md says how long it takes

quick: ## run the tests that take few seconds, without the race detector
	go test -short ./...

# Tables in docs/scaling, figures in docs/figures. The same simulator gives the same bytes.
STUDY := karakuri knobs kill measured
study: build ## simulate what docs/scaling.md tells, and draw its figures again (minutes)
	for s in $(STUDY); do bin/hachi sim sweep docs/scaling/$$s.yaml --out docs/scaling/$$s --figures docs/figures || exit 1; done

fmt: ## check the form of the code
	@test -z "$$(gofmt -l .)" || { gofmt -l .; echo "run gofmt -w on these files"; exit 1; }

vet: ## run go vet
	go vet ./...

$(MISSPELL): tools/misspell/go.mod
	go -C tools/misspell build -o ../../$(MISSPELL) github.com/golangci/misspell/cmd/misspell

# American spelling. internal/lint has the words that hachi does not use.
spell: $(MISSPELL) ## check American spelling
	@git ls-files '*.go' '*.md' '*.proto' '*.yaml' '*.sh' '*.py' Makefile | grep -v -e /testdata/ -e '\.pb\.go' -e internal/lint/vocabulary_test.go -e internal/api/attributes_test.go -e tools/mini/corpus/ -e docs/mini-attributes.md | \
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

# The assembly must be what its generator writes, and objdump must read the
# instructions that the assembler lacks.
asm-check:
	go -C tools/kernelasm test .
	rm -rf .cache/asm && mkdir -p .cache/asm/avx512 .cache/asm/avx2 .cache/asm/amx .cache/asm/neon
	go -C tools/kernelasm run . -out ../../.cache/asm
	@for f in internal/compute/kernel/*/kernels_*.s internal/compute/kernel/*/stubs_*.go; do \
		cmp $$f .cache/asm/$${f#internal/compute/kernel/} || { echo "run make asm"; exit 1; }; done

# Without assembly: only the reference.
purego: ## test without assembly
	go vet -tags purego ./internal/compute/... && go test -tags purego ./internal/compute/...

# The arm64 kernels under emulation, with dot products of bytes and on a
# processor without them; needs qemu-aarch64-static (Debian: qemu-user-static).
arm64: ## run the arm64 kernels under emulation
	GOARCH=arm64 HACHI_EXPECT_KERNEL="neon-dot neon" QEMU_CPU=max go test -exec qemu-aarch64-static ./internal/compute/...
	GOARCH=arm64 HACHI_EXPECT_KERNEL=neon QEMU_CPU=cortex-a53 go test -exec qemu-aarch64-static ./internal/compute/kernel

cross: ## build for every architecture
	go build ./...
	GOARCH=arm64 go build ./...

# Nothing is cached: what these tests read lies outside of their module.
manifests: ## check the Kubernetes manifests and run their pods
	go -C deploy/k8s/verify vet ./...
	go -C deploy/k8s/verify test -count=1 -parallel 4 ./...

# What these tests read lies outside of their module.
dashboards: ## parse the dashboards and rules with the parsers of Prometheus and Grafana
	go -C tools/dashboards vet ./...
	go -C tools/dashboards test -count=1 ./...

# The control plane of the version in deploy/k8s/kube/go.mod, built once for each. The
# first time takes minutes and 2 GB of Go's build cache: make test leaves it out.
KUBE_VERSION = $(shell sed -n 's,^\tk8s.io/kubernetes ,,p' deploy/k8s/kube/go.mod)
KUBE = .cache/kube/components-$(KUBE_VERSION)
$(KUBE): deploy/k8s/kube/go.mod deploy/k8s/kube/components/main.go
	go -C deploy/k8s/kube build -ldflags '-s -w -X k8s.io/component-base/version.gitVersion=$(KUBE_VERSION)' -o $(CURDIR)/$(KUBE) ./components

kube: build $(KUBE) ## apply the Kubernetes manifests to a real control plane, and let it run their pods
	go -C deploy/k8s/kube vet ./...
	go -C deploy/k8s/kube test -count=1 -timeout 20m -v . -components $(CURDIR)/$(KUBE) -hachi $(CURDIR)/bin/hachi

# Needs root, containerd, runc and the plugins of CNI (Debian: containerd, runc,
# containernetworking-plugins).
CNI ?= /usr/lib/cni
kube-node: build $(KUBE) ## run pods of the image by a real kubelet and containerd, in namespaces of their own
	$(MAKE) image RELEASE=v0.1.0
	go -C deploy/k8s/kube test -c -o $(CURDIR)/.cache/kube/kube.test .
	deploy/k8s/kube/node.sh $(CURDIR)/.cache/kube/kube.test -test.v -test.run TestANodeServes -components $(CURDIR)/$(KUBE) -hachi $(CURDIR)/bin/hachi -layout $(CURDIR)/bin/image -plugins $(CNI)

# The helper of --backend sidecar, on the processor. Each test starts Python and compiles
# again, so the suite runs the shapes that differ for a helper: rows in bf16 and in f32,
# activations in both, converted weights. The rest is in CI with the helper in Go.
SIDECAR := .cache/sidecar
SIDECAR_PYTHON ?= python3
$(SIDECAR)/ready: sidecar/requirements-cpu.txt
	rm -rf $(SIDECAR)/python && mkdir -p $(SIDECAR) && $(SIDECAR_PYTHON) -m venv $(SIDECAR)/python
	$(SIDECAR)/python/bin/pip install --quiet --require-hashes --only-binary :all: -r $<
	touch $@

SIDECAR_HELPER = $(CURDIR)/$(SIDECAR)/python/bin/python $(CURDIR)/sidecar/expert_jax.py --device cpu --cache $(CURDIR)/$(SIDECAR)/xla
sidecar-check: $(SIDECAR)/ready ## test the sidecar backend with sidecar/expert_jax.py on the CPU (needs Python 3.11 to 3.13; minutes)
	HACHI_TEST_SIDECAR="$(SIDECAR_HELPER)" go test -count=1 -timeout 60m -v -run '(Backend|Helper|Kill|Values|Cores)/(mixtral|tails|int8_kv|experts_of_int4)/experts' ./internal/backend/sidecar
	HACHI_TEST_SIDECAR="$(SIDECAR_HELPER)" go test -count=1 -timeout 30m -v -run 'TestKilledHelper$$' ./test/e2e

# The examples are another module: they build with what importers can reach.
examples:
	go -C examples vet ./...
	go -C examples build -o /dev/null ./...

# What the race detector would slow to minutes without finding more: pages in a browser,
# arithmetic, parsers and simulations in one goroutine, the texts of this tree, and commands,
# whose parts are tested in their packages.
WITHOUT_RACE := ./cmd/hachi ./internal/api/page ./internal/backend/reference ./internal/compute/... ./internal/lint ./internal/sim/... \
	./internal/text/grammar/automaton ./internal/text/grammar/regex ./internal/text/grammar/schema ./tools/...
without-race: ## run the tests for which the race detector is of no use
	go test $(WITHOUT_RACE)
	go test ./internal/console
	go test -run 'CostsLittle|NoOtherKeyIsKnown|Metamorphic' ./internal/api ./internal/router/engine

# The race detector slows processes five times and more; the parts of the
# processes are tested with it in their packages.
clusters: ## run the tests of whole clusters
	go test -timeout 20m -parallel 3 ./test/e2e ./test/e2e/chaos

$(GOTESTSUM): tools/gotestsum/go.mod
	go -C tools/gotestsum build -o ../../$(GOTESTSUM) gotest.tools/gotestsum

# Prints the ten slowest tests at its end, also when a test has failed.
race: $(GOTESTSUM) ## run the tests with the race detector, and with it three of whole clusters
	@mkdir -p .cache
	CGO_ENABLED=1 go test -race -run 'KilledNodeWithReplicas|KilledNodeWithoutReplicas|JoinDrainAndLeave' ./test/e2e
	@status=0; CGO_ENABLED=1 $(GOTESTSUM) --format standard-quiet --jsonfile .cache/tests.json -- -race -timeout 30m $$(go list ./... | grep -vxF "$$(go list ./test/e2e/... $(WITHOUT_RACE))") || status=$$?; \
	echo "the ten slowest tests:"; $(GOTESTSUM) tool slowest --num 10 --jsonfile .cache/tests.json; exit $$status

$(GOLANGCI): tools/golangci/go.mod
	go -C tools/golangci build -o ../../$(GOLANGCI) github.com/golangci/golangci-lint/v2/cmd/golangci-lint

lint: $(GOLANGCI) ## run golangci-lint as .golangci.yml says (minutes the first time)
	$(GOLANGCI) run ./...

$(GOVULNCHECK): tools/vuln/go.mod
	go -C tools/vuln build -o ../../$(GOVULNCHECK) golang.org/x/vuln/cmd/govulncheck

vuln: $(GOVULNCHECK) ## look for known vulnerabilities in what hachi calls; VULNDB names a database
	GOTOOLCHAIN=auto tools/vuln/check.sh $(GOVULNCHECK) $(VULNDB)

$(CYCLONEDX): tools/sbom/go.mod
	go -C tools/sbom build -o ../../$(CYCLONEDX) github.com/CycloneDX/cyclonedx-gomod/cmd/cyclonedx-gomod

# The image holds the binary and nothing else, so that this is its list too. The same
# binary gives the same list.
sbom: build $(CYCLONEDX) ## write bin/hachi.cdx.json, the list of the modules in bin/hachi
	$(CYCLONEDX) bin -json -std -noserial -notimestamp -output-version 1.6 -version $(or $(RELEASE),v0.0.0) -output bin/hachi.cdx.json bin/hachi

# The image of deploy/docker/Dockerfile for each architecture, as an OCI layout. The
# time of the commit is that of its files.
IMAGE_TAG = $(or $(RELEASE),v0.0.0)
IMAGE_ARCHS = amd64 arm64
CREATED = $(shell git log -1 --format=%ct)
image: $(CYCLONEDX) ## write bin/image, the container image as an OCI layout, without an engine; RELEASE is its tag
	rm -rf bin/image bin/image-parts
	@for a in $(IMAGE_ARCHS); do \
		GOOS=linux GOARCH=$$a go build -trimpath -buildvcs=false -ldflags="-s -w -X github.com/hachi-serve/hachi/internal/version.release=$(RELEASE) -X github.com/hachi-serve/hachi/internal/version.commit=$(COMMIT)" -o bin/image-parts/$$a/hachi ./cmd/hachi || exit 1; \
		$(CYCLONEDX) bin -json -std -noserial -notimestamp -output-version 1.6 -version $(IMAGE_TAG) -output bin/image-parts/$$a.cdx.json bin/image-parts/$$a/hachi || exit 1; done
	go run ./tools/image -out bin/image -tag $(IMAGE_TAG) -commit $(COMMIT) -created $(CREATED) $(foreach a,$(IMAGE_ARCHS),$(a)=bin/image-parts/$(a)/hachi,bin/image-parts/$(a).cdx.json)
	rm -rf bin/image-parts

# Needs a tree without changes, which the second build does not see.
IMAGE_COPY := .cache/image-check
image-check: image ## build the image again from a copy of the commit, and compare the digests
	rm -rf $(IMAGE_COPY) && mkdir -p $(IMAGE_COPY) && git archive HEAD | tar -x -C $(IMAGE_COPY)
	$(MAKE) -C $(IMAGE_COPY) image COMMIT=$(COMMIT) CREATED=$(CREATED) CYCLONEDX=$(CURDIR)/$(CYCLONEDX)
	cmp bin/image/index.json $(IMAGE_COPY)/bin/image/index.json
	rm -rf $(IMAGE_COPY)

# Every fuzz target, or those of FUZZ (a list of folders), each for FUZZTIME. An input
# that fails is written to testdata/fuzz of its folder. Inputs are hardly minimized:
# signatures make the coverage of one input vary.
FUZZTIME ?= 30s
FUZZ ?= $(shell git grep -l '^func Fuzz' -- '*_test.go' | xargs -n1 dirname | sort -u)
fuzz: ## run every fuzz target for FUZZTIME
	@for p in $(FUZZ); do for f in $$(go test -list '^Fuzz' ./$$p | grep '^Fuzz'); do \
		echo "$$p $$f"; go test -run '^$$' -fuzz "^$$f\$$" -fuzztime $(FUZZTIME) -fuzzminimizetime 5x -parallel 1 ./$$p || exit 1; \
	done; done

# Two clusters on one machine whose processes share a budget of cores.
share-check: ## load two clusters at once that share the cores
	go test -tags soak -count=1 -run ShareTheCores -v ./test/e2e

# Long and large: what is too big for every commit. The tests need 8 GB of disk
# and, to drop packets, root and ip(8) (Debian: iproute2).
SOAK := .cache/soak
soak: build ## run what is too long and too large for every commit
	go test -tags soak -timeout 60m -run 'OfAMixtral|WithoutReset|ShareTheCores' -v ./test/e2e
	rm -rf $(SOAK) && mkdir -p $(SOAK)
	bin/hachi model init --preset small $(SOAK)/small
	bin/hachi bench failover --model $(SOAK)/small --nodes 4 --replicas 2 --streams 16 --fault kill --repeat 50 --figure $(SOAK)/kill.svg
	bin/hachi bench failover --model $(SOAK)/small --nodes 4 --replicas 2 --streams 16 --fault stop --repeat 10 --figure $(SOAK)/stop.svg
	bin/hachi bench failover --model $(SOAK)/small --nodes 4 --replicas 2 --streams 16 --fault delay --repeat 2
	bin/hachi bench cluster --model $(SOAK)/small
	bin/hachi bench overload --model $(SOAK)/small --nodes 2 --factor 3 --for 5m
	rm -rf $(SOAK)/small

S3SERVER := bin/s3server

$(S3SERVER): tools/s3server/go.mod tools/s3server/main.go
	go -C tools/s3server build -o ../../$(S3SERVER) .

s3: $(S3SERVER) ## fetch a model from the S3 server of rclone, and kill who fetches
	HACHI_S3_SERVER=$(CURDIR)/$(S3SERVER) go test ./internal/weights/publish -count=1 -run TestAModelInAStore -v

# The same seed gives the same faults: make chaos FOR=3m SEED=8.
FOR ?= 30m
SEED ?= 0
chaos: ## let faults that a seed chooses happen to a cluster under load
	go test ./test/e2e/chaos -count=1 -v -timeout 0 -run TestNoFault -for $(FOR) -seed $(SEED)

kill-soak: ## kill processes of every role under load, and watch the memory of a router; FOR=15m
	go test ./test/e2e/chaos -count=1 -v -timeout 0 -run TestNoFault -for $(FOR) -seed $(SEED) -kills

# Clients that people use against a running cluster; needs
# python3, node, npm and, the first time, their registries.
clients: ## run the clients of other projects against a cluster; CLIENTS names some, STRICT=1 allows no skip, INSTALL=1 runs none
	go run ./tools/clients $(if $(STRICT),-strict) $(if $(INSTALL),-install) $(CLIENTS)

# The chat page in a browser; needs Chromium and fonts of Noto with Japanese.
screens: build ## write the screenshots of the chat page
	go test ./internal/api/page -count=1 -run TestScreens -screens $(CURDIR)/docs/figures -hachi $(CURDIR)/bin/hachi

# The console in a browser, with a cluster that the test makes up; needs Chromium.
screenshots: ## write the screenshots of the console
	go test ./internal/console -count=1 -run TestScreenshots -figures $(CURDIR)/docs/figures

# Every combination of settings gives the same bits.
metamorphic: ## run every combination of settings
	go test ./internal/router/engine -run TestMetamorphic -long -timeout 60m -v

gen: $(BUF) ## write the Go of the schema
	$(BUF) generate

# The driver's library is opened at run time, which needs the loader of the C library.
build-cuda: ## build bin/hachi-cuda, with the backend cuda
	go build -trimpath -tags cuda -ldflags '-X github.com/hachi-serve/hachi/internal/version.commit=$(COMMIT)' -o bin/hachi-cuda ./cmd/hachi

CUDA := internal/backend/cuda
cubin: ## compile the kernels of the backend cuda (the first time fetches 100 MB)
	$(CUDA)/kernels/build.sh $(CUDA)/image .cache/cuda

# The compiler gives the same bytes for the same sources.
cubin-check: ## compile the kernels again and compare them with those of the tree
	$(CUDA)/kernels/build.sh .cache/cubin .cache/cuda
	@for f in $(CUDA)/image/*; do cmp $$f .cache/cubin/$${f##*/} || { echo "run make cubin"; exit 1; }; done

# bin/gpu-check runs on a machine that has a GPU and nothing else.
gpu-check: build-cuda ## build bin/gpu-check and, where there is a GPU, check the backend cuda on it in 120 s
	rm -rf bin/gpu-check && mkdir -p bin/gpu-check
	cp bin/hachi-cuda bin/gpu-check/hachi
	cp tools/gpucheck/check.sh tools/gpucheck/cublas.py bin/gpu-check/
	go test -c -trimpath -o bin/gpu-check/cuda.test ./$(CUDA)
	bin/gpu-check/check.sh

# bin/amx-check runs on a machine with AMX and nothing else.
amx-check: build ## build bin/amx-check and run it: the kernels for Intel AMX, or their emulation where there is none
	rm -rf bin/amx-check && mkdir -p bin/amx-check
	cp bin/hachi tools/amxcheck/check.sh bin/amx-check/
	go test -c -trimpath -o bin/amx-check/kernel.test ./internal/compute/kernel
	bin/amx-check/check.sh

asm: ## write the assembly
	go -C tools/kernelasm run .

goldens:
	python3 internal/backend/cpu/testdata/make_goldens.py
	python3 internal/backend/cpu/testdata/make_qwen3_goldens.py

# PYTHON has the packages of tools/mini/requirements.txt.
PYTHON ?= python3
MINI_FLAGS ?= --minutes 6
mini: ## train hachi-mini again into .cache/mini (minutes on a GPU, days on a CPU)
	$(PYTHON) tools/mini/train.py $(MINI_FLAGS) --out .cache/mini

mini-smoke: ## train, export and check a very small model
	@if $(PYTHON) -c 'import numpy, safetensors, sentencepiece, torch'; then $(PYTHON) tools/mini/smoke.py; \
	else echo "mini-smoke is SKIPPED: $(PYTHON) lacks a package of tools/mini/requirements.txt"; fi

mini-table: ## write docs/mini-attributes.md
	go test ./test/mini -run TestTheTableOfAttributes -update

clean: ## remove what was built
	rm -rf bin .cache
