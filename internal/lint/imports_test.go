package lint

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/hachi-serve/hachi/"

// rule says what the packages under a path may import of ours, and which
// outside modules they must not know. The longest path that fits decides.
type rule struct {
	path    string
	ours    []string // prefixes; nil is anything
	without []string
	why     string
}

var network = []string{"google.golang.org/grpc", "go.etcd.io/", "github.com/hashicorp/memberlist"}

var rules = []rule{
	{"moe", []string{}, append(network, "google.golang.org/protobuf"), "the nouns need the standard library only"},
	{"proto", []string{"proto"}, nil, "generated code"},
	{"internal/strictjson", []string{}, network, "JSON only"},
	{"internal/moepb", []string{"moe", "proto"}, network, "converts nouns to messages and back"},
	{"internal/compute/tensor", []string{}, network, "element types import nothing of ours"},
	{"internal/compute/arena", []string{}, network, "memory of any elements"},
	{"internal/compute/tune", []string{"internal/compute/kernel", "internal/compute/tensor", "internal/wholefile"}, network, "it measures kernels and keeps files"},
	{"internal/compute/sm90", []string{"internal/compute/kernel", "internal/compute/tensor"}, network, "sums as a GPU's, for a study"},
	{"internal/compute/kernel", []string{"internal/compute/kernel", "internal/compute/tensor"}, network, "loops import element types only"},
	{"internal/compute/kernel/avx512", []string{}, network, "instructions only"},
	{"internal/compute/kernel/avx2", []string{}, network, "instructions only"},
	{"internal/compute/kernel/amx", []string{}, network, "instructions, and the permission for them"},
	{"internal/compute/kernel/neon", []string{}, network, "instructions only"},
	{"internal/model", []string{"internal/model", "moe", "internal/strictjson", "internal/compute"}, network, "the model is arithmetic on interfaces"},
	{"internal/model/arch", []string{"internal/model", "internal/strictjson", "internal/compute/tensor", "moe"}, network, "architectures are data about a model"},
	{"internal/weights", []string{"internal/weights", "internal/model", "moe", "internal/strictjson", "internal/compute", "internal/wholefile"}, network, "files of weights"},
	{"internal/weights/preset", []string{"internal/weights", "internal/model", "internal/text", "internal/compute/tensor"}, network, "a checkpoint needs a tokenizer"},
	{"internal/weights/mini", []string{"internal/weights"}, network, "a checkpoint inside the program"},
	{"internal/weights/source", []string{"internal/weights/checkpoint", "internal/weights/source", "internal/episode", "internal/wholefile"}, network, "files of weights elsewhere, by HTTP and S3; it knows no cluster"},
	{"internal/weights/peer", []string{"internal/weights/checkpoint", "internal/weights/source", "moe", "proto"}, []string{"go.etcd.io/", "github.com/hashicorp/memberlist"}, "weights between nodes; it knows no registry"},
	{"internal/weights/publish", []string{"internal/weights/checkpoint", "internal/weights/quantize", "internal/weights/source"}, network, "copies of models; it knows no kind of place"},
	{"internal/weights/staging", []string{}, network, "files and directories only"},
	{"internal/text", []string{"internal/text", "internal/strictjson"}, network, "text and token ids only"},
	{"internal/text/grammar", []string{"internal/text/grammar"}, network, "bytes of text and tokens by number"},
	{"internal/text/chat/jinja", []string{}, network, "a template language, useful without hachi"},
	{"internal/backend", []string{"internal/backend", "internal/compute", "internal/model", "moe", "internal/poll"}, network, "a backend computes and knows no network"},
	{"internal/backend/cuda", []string{"internal/backend", "internal/compute", "internal/cuda", "internal/model", "moe"}, network, "a backend on the driver of a GPU"},
	{"internal/cuda", []string{"internal/cuda"}, append(network, "github.com/ebitengine/purego"), "calls of a driver; only libcuda opens a library, so that a binary without it is static"},
	{"internal/cuda/libcuda", []string{"internal/cuda"}, network, "opens the driver's library"},
	{"internal/router/kvcache", []string{"internal/model"}, network, "pure bookkeeping"},
	{"internal/router/scheduler", []string{"internal/router/kvcache"}, network, "pure"},
	{"internal/router/sampler", []string{}, network, "pure"},
	{"internal/router/dispatch", []string{"internal/model", "moe", "internal/compute/tensor", "internal/transport/rowbuf"}, network, "it calls experts through an interface of moe"},
	{"internal/router/pipeline", []string{"internal/model", "moe", "internal/compute/tensor"}, network, "clock and goroutines around a model"},
	{"internal/router/engine", []string{"internal/model", "moe", "internal/compute/tensor", "internal/router"}, network, "usable with no network"},
	{"internal/api/admission", []string{}, network, "a bound only; it knows no API"},
	{"internal/api/keys", []string{"internal/identity", "internal/metric"}, network, "who may call, whatever API it comes by; a client's name follows the rule of every name"},
	{"internal/api/completion", []string{"internal/api/admission", "internal/api/keys", "internal/text", "internal/router/engine", "internal/router/sampler", "moe"}, network, "text over an engine"},
	{"internal/api/failure", []string{"internal/api/admission", "internal/api/completion", "internal/api/keys", "internal/strictjson", "internal/router/engine", "internal/router/pipeline", "internal/router/sampler", "internal/router/scheduler", "internal/text", "moe"}, []string{"google.golang.org/grpc/status", "go.etcd.io/", "github.com/hashicorp/memberlist"}, "where errors meet the codes of HTTP and gRPC, of which it knows the numbers only"},
	{"internal/api/access", []string{"internal/api/failure"}, network, "names and logs requests of any API"},
	{"internal/api/httpapi", []string{"internal/api/access", "internal/api/admission", "internal/api/completion", "internal/api/failure", "internal/api/keys", "internal/router/scheduler", "internal/strictjson"}, network, "what HTTP APIs share; it knows none of them"},
	{"internal/api/generation", []string{"internal/api/access", "internal/api/completion", "internal/api/failure", "internal/api/httpapi", "internal/router/sampler", "internal/text"}, network, "parameters that HTTP APIs share; it knows none of them"},
	{"internal/api/logprobs", []string{"internal/api/completion", "internal/text"}, network, "tokens as clients see them"},
	{"internal/api/openai", []string{"internal/api/access", "internal/api/completion", "internal/api/failure", "internal/api/generation", "internal/api/httpapi", "internal/api/logprobs", "internal/router/engine", "internal/strictjson", "internal/text", "moe"}, network, "HTTP only"},
	{"internal/api/page", []string{}, network, "files for a browser"},
	{"internal/api", []string{"internal/api"}, network, "it joins the HTTP APIs"},
	{"internal/api/transcript", []string{"internal/api/completion", "internal/text"}, network, "turns only"},
	{"internal/api/responses", []string{"internal/api/access", "internal/api/completion", "internal/api/failure", "internal/api/generation", "internal/api/httpapi", "internal/api/logprobs", "internal/api/transcript", "internal/router/engine", "internal/text"}, network, "HTTP only; it knows no other API"},
	{"internal/api/anthropic", []string{"internal/api/access", "internal/api/completion", "internal/api/generation", "internal/api/httpapi", "internal/api/transcript", "internal/router/engine", "internal/text"}, network, "HTTP only; it knows no other API"},
	{"internal/api/accesstest", []string{"internal/api/httpapi", "internal/api/keys", "proto"}, []string{"go.etcd.io/", "github.com/hashicorp/memberlist"}, "callers in tests only"},
	{"internal/api/apitest", []string{"internal/api/completion", "internal/api/httpapi", "internal/router/engine", "internal/text", "proto"}, network, "APIs in tests only; it connects to none"},
	{"internal/api/grpcapi", []string{"internal/api/access", "internal/api/admission", "internal/api/completion", "internal/api/failure", "internal/api/keys", "internal/identity", "internal/router/engine", "internal/router/sampler", "internal/router/scheduler", "internal/strictjson", "internal/text", "moe", "proto"}, []string{"go.etcd.io/", "github.com/hashicorp/memberlist"}, "gRPC only; it takes no rule from the HTTP API"},
	{"internal/api/server", []string{"internal/api", "internal/transport/grpcserver", "internal/transport/peers", "proto"}, []string{"go.etcd.io/", "github.com/hashicorp/memberlist"}, "the listeners of every API"},
	{"internal/router/metrics", []string{"internal/histograms", "internal/metric", "internal/router/dispatch", "internal/router/engine", "internal/router/pipeline", "moe"}, network, "collectors of what a router counts"},
	{"internal/gateway/balance", []string{"internal/model", "internal/router/kvcache"}, network, "pure: it knows routers by their names"},
	{"internal/histograms", []string{"internal/metric"}, network, "histograms of requests"},
	{"internal/metric", []string{}, network, "a table of names; collectors import it"},
	{"internal/metric/board", []string{"internal/metric"}, network, "text made from the table"},
	{"internal/gateway/metrics", []string{"internal/gateway/remote", "internal/histograms", "internal/metric"}, network, "collectors of what a gateway counts"},
	{"gateway", []string{"internal/api/server", "proto"}, []string{"go.etcd.io/", "github.com/hashicorp/memberlist"}, "the process joins injected pieces"},
	{"internal/gateway/remote", []string{"internal/api/completion", "internal/episode", "internal/gateway/balance", "internal/router/engine", "internal/router/sampler", "internal/router/scheduler", "internal/text/grammar", "moe", "proto"}, []string{"go.etcd.io/", "github.com/hashicorp/memberlist"}, "an engine over the connections to routers; it knows no registry"},
	{"internal/expertnode/lastshard", []string{"moe", "internal/wholefile"}, network, "one file"},
	{"internal/expertnode/batcher", []string{"internal/model", "moe", "internal/compute/tensor"}, network, "a queue before a backend"},
	{"internal/coordinator/eplb", []string{}, network, "an algorithm on numbers"},
	{"internal/coordinator/planner", []string{"moe", "internal/coordinator/eplb"}, network, "pure"},
	{"internal/sizing", []string{"internal/coordinator/planner", "moe"}, network, "a placement without a cluster"},
	{"internal/sim", []string{"coordinator", "expertnode", "router", "internal/bench/measure", "internal/compute/tensor", "internal/coordinator/planner", "internal/expertnode/batcher", "internal/gateway/balance", "internal/model", "internal/moepb", "internal/printable", "internal/role", "internal/router", "internal/sim", "moe", "proto"}, network, "the parts of a cluster, on a clock, a network and machines that are simulated"},
	{"internal/sim/event", []string{}, network, "a clock and a queue"},
	{"internal/sim/machine", []string{"internal/compute/tensor", "internal/model", "moe"}, network, "arithmetic of times"},
	{"internal/sim/trace", []string{"internal/strictjson"}, network, "files of requests"},
	{"internal/sim/sweep", []string{"internal/bench/cell", "internal/bench/measure", "internal/bench/plot", "internal/role", "internal/sim"}, network, "runs of the simulator, as tables and pictures"},
	{"internal/sim/scenario", []string{"internal/compute/tensor", "internal/coordinator/planner", "internal/model", "internal/role", "internal/router/scheduler", "internal/sim/machine", "internal/weights/preset", "moe"}, network, "one file; faults of configurations are role's"},
	{"internal/transport/peers", []string{}, append(network, "google.golang.org/protobuf"), "connections of TCP only"},
	{"internal/transport/rowbuf", []string{}, append(network, "google.golang.org/protobuf"), "memory only"},
	{"internal/transport/inproc", []string{"moe"}, network, "function calls"},
	{"internal/transport/faulty", []string{"moe"}, network, "a wrapper"},
	{"internal/transport/grpcserver", []string{"moe", "internal/version"}, []string{"go.etcd.io/", "github.com/hashicorp/memberlist"}, "limits and recovery of any gRPC server"},
	{"internal/transport/rpc", []string{"moe", "internal/moepb", "internal/transport/rowbuf", "proto", "internal/poll", "internal/episode"}, []string{"go.etcd.io/"}, "carries rows, knows no placement; an episode of the log is one lost stream"},
	{"internal/identity", []string{"internal/episode"}, []string{"go.etcd.io/", "github.com/hashicorp/memberlist"}, "certificates and who may call what; it knows no service"},
	{"internal/cluster/registry", []string{"internal/episode", "moe", "internal/moepb", "proto"}, network, "a Store is all it knows of etcd"},
	{"internal/cluster/memory", []string{"internal/cluster/registry"}, network, "a store in this process"},
	{"internal/cluster", []string{"internal/cluster", "internal/episode", "internal/identity", "moe", "internal/moepb", "proto"}, nil, "etcd and gossip"},
	{"expertnode", []string{"internal/episode", "internal/expertnode", "internal/model", "moe", "internal/moepb", "internal/transport/rowbuf", "proto", "internal/compute/tensor"}, network, "sessions and watches are injected"},
	{"coordinator", []string{"internal/episode", "internal/coordinator", "moe", "internal/moepb", "proto", "internal/cluster/registry"}, []string{"go.etcd.io/", "github.com/hashicorp/memberlist"}, "it plans and publishes"},
	{"router", []string{"internal/episode", "internal/router/engine", "internal/api/server", "moe", "proto"}, []string{"github.com/hashicorp/memberlist"}, "the process joins injected pieces"},
	{"internal/calibrate", []string{"internal/bench/cell", "internal/bench/kernel", "internal/bench/measure", "internal/bench/plot", "internal/bench/rpc", "internal/compute/tensor", "internal/coordinator/planner", "internal/sim", "moe"}, network, "measured cells beside simulated ones; it starts no cluster"},
	{"internal/bench", nil, nil, "starts and measures whole clusters"},
	{"internal/bench/measure", []string{}, network, "arithmetic of rounds and latencies"},
	{"internal/bench/report", []string{}, network, "text and JSON only"},
	{"internal/bench/scrape", []string{"internal/metric"}, network, "HTTP only, and names of metrics"},
	{"internal/bench/cputime", nil, network, "a file of /proc"},
	{"internal/bench/cell", []string{"internal/bench/measure", "internal/wholefile"}, network, "files of what was measured"},
	{"internal/bench/kernel", []string{"internal/bench/measure", "internal/compute", "internal/backend"}, network, "kernels and the machine"},
	{"internal/bench/model", []string{"internal/bench/kernel", "internal/bench/measure", "internal/backend", "internal/compute", "internal/model", "internal/router/pipeline", "internal/weights", "moe"}, network, "a model in one process"},
	{"internal/bench/rpc", []string{"internal/bench/cputime", "internal/bench/measure", "internal/identity", "internal/transport", "moe", "proto"}, []string{"go.etcd.io/", "github.com/hashicorp/memberlist"}, "expert calls only, with and without certificates"},
	{"internal/bench/mix", []string{}, network, "bodies of requests and answers, as text"},
	{"internal/bench/plot", []string{}, network, "drawing only"},
	{"internal/bench/serve", []string{"client", "internal/bench/measure", "internal/bench/plot", "internal/bench/scrape", "internal/metric"}, network, "a client of the HTTP API of any server"},
	{".", []string{"client", "internal/identity", "internal/backend", "internal/role", "internal/status", "internal/cluster", "internal/transport/inproc", "internal/coordinator/planner", "moe", "proto"}, append(network, "go.etcd.io/etcd/server"), "a cluster inside a program: the roles, joined without a network"},
	{"client", []string{}, append(network, "google.golang.org/protobuf"), "a program that calls a cluster links the standard library only"},
	{"internal/journal", []string{"internal/api/completion", "internal/api/keys", "internal/router/engine"}, network, "requests of an engine; it knows no process"},
	{"internal/console", []string{"client", "internal/api/keys", "internal/coordinator/planner", "internal/journal", "internal/status", "moe", "proto"}, network, "pages for operators; it reads no records and calls no process"},
	{"internal/status", []string{"client", "internal/journal", "internal/printable", "internal/cluster/registry", "internal/cluster/etcdstore", "internal/cluster/sealed", "internal/identity", "internal/coordinator/planner", "internal/transport/grpcserver", "moe", "internal/moepb", "proto"}, []string{"github.com/hashicorp/memberlist"}, "what the CLI and a console show of a cluster"},
	{"internal/role", []string{"internal/console", "internal/numa", "internal/version", "internal/journal", "internal/episode", "internal/histograms", "internal/metric", "internal/tracing", "internal/status", "client", "internal/api", "internal/identity", "internal/backend", "internal/cluster/gossip", "internal/cluster/registry", "internal/cluster/etcdstore", "internal/cluster/sealed", "internal/compute", "internal/cores", "internal/coordinator", "internal/expertnode", "internal/gateway", "internal/model", "internal/moepb", "internal/router", "internal/text", "internal/transport", "internal/weights", "coordinator", "expertnode", "gateway", "router", "moe", "proto"}, []string{"go.etcd.io/etcd/server", module + "internal/backend/cpu", module + "internal/backend/reference"}, "the composition root of one process; cmd gives it its backends"},
	{"internal/local", []string{"internal/cluster", "internal/identity", "internal/numa", "internal/role", "internal/status", "internal/tracing", "internal/model", "internal/moepb", "moe", "proto"}, nil, "it starts roles as processes and supervises them"},
	{"cmd", nil, nil, "the command"},
	{"test/e2e", nil, nil, "it starts whole clusters and looks inside them"},
	{"test/mini", []string{".", "client", "internal/weights/mini", "proto"}, nil, "it asks a cluster"},
	{"internal/lint", []string{}, nil, "tests of the tree"},
	{"internal/episode", []string{}, network, "lines of a log"},
	{"internal/version", []string{}, network, "a name"},
	{"internal/tracing", []string{"internal/episode", "internal/version", "moe"}, []string{"go.etcd.io/", "github.com/hashicorp/memberlist"}, "spans of any server; it knows no API"},
	{"internal/top", []string{"client", "internal/journal", "internal/printable", "internal/status"}, network, "pages of a state; cmd reads the state"},
	{"internal/doctor", []string{"client", "internal/backend", "internal/bench/kernel", "internal/compute/kernel", "internal/compute/tune", "internal/cluster/etcdstore", "internal/identity", "internal/printable", "internal/status"}, []string{"github.com/hashicorp/memberlist"}, "it asks processes what they are, and starts none"},
	{"internal/printable", []string{}, network, "text for a terminal"},
	{"internal/eventually", []string{}, network, "waiting in tests only"},
	{"internal/freeport", []string{}, network, "addresses of processes in tests only"},
	{"internal/browsertest", []string{}, network, "pages in a browser, in tests only"},
	{"internal/leaktest", []string{}, network, "goroutines of a test binary only"},
	{"internal/logtest", []string{}, network, "the log of a test only"},
	{"internal/namespaces", []string{}, network, "interfaces of this machine only"},
	{"internal/cores", []string{}, network, "words in shared memory: it knows no model"},
	{"internal/numa", []string{}, network, "files of the kernel, and the start of a process"},
	{"internal/wholefile", []string{}, network, "one file"},
	{"internal/poll", []string{}, network, "counters only: the caller decides what to poll"},
}

// sources calls f for every Go file of the product.
func sources(t *testing.T, f func(dir, path string)) {
	t.Helper()
	root := "../.."
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name := d.Name()
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "tools" || name == "testdata" || name == "bin" || name == "deploy" || name == "examples") {
			return fs.SkipDir
		}
		if strings.HasSuffix(name, ".go") {
			rel, err := filepath.Rel(root, filepath.Dir(path))
			if err != nil {
				return err
			}
			f(filepath.ToSlash(rel), path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// importsOf lists what a source file imports.
func importsOf(t *testing.T, path string) []string {
	t.Helper()
	file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, spec := range file.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Fatal(err)
		}
		names = append(names, name)
	}
	return names
}

func ruleFor(dir string) *rule {
	var best *rule
	for i, r := range rules {
		if (dir == r.path || strings.HasPrefix(dir, r.path+"/")) && (best == nil || len(r.path) > len(best.path)) {
			best = &rules[i]
		}
	}
	return best
}

func TestImportsPointOneWay(t *testing.T) {
	sources(t, func(dir, path string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		r := ruleFor(dir)
		if r == nil {
			t.Errorf("%s: no rule says what it may import", dir)
			return
		}
		for _, name := range importsOf(t, path) {
			under := func(prefix string) bool { return strings.HasPrefix(name, prefix) }
			ours, mine := strings.CutPrefix(name, module)
			allowed := r.ours == nil || slices.ContainsFunc(r.ours, func(p string) bool { return ours == p || strings.HasPrefix(ours, p+"/") })
			if (mine && !allowed) || slices.ContainsFunc(r.without, under) {
				t.Errorf("%s imports %s: %s", path, name, r.why)
			}
		}
	})
}

func TestEveryPackageTellsWhatItIs(t *testing.T) {
	docs, dirs := map[string]bool{}, map[string]bool{}
	sources(t, func(dir, path string) {
		if strings.HasSuffix(path, ".pb.go") {
			return
		}
		dirs[dir] = true
		if filepath.Base(path) == "doc.go" {
			docs[dir] = true
		}
	})
	for dir := range dirs {
		if !docs[dir] {
			t.Errorf("%s has no doc.go", dir)
		}
	}
}

func TestForbiddenText(t *testing.T) {
	forbidden := map[string]string{
		"internal/compute/kernel":      "math.Exp(",
		"internal/router/scheduler":    "time.Now",
		"internal/router/kvcache":      "time.Now",
		"internal/router/sampler":      "time.Now",
		"internal/coordinator/planner": "time.Now",
	}
	sources(t, func(dir, path string) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		raw, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if text := forbidden[dir]; text != "" && strings.Contains(string(raw), text) {
			t.Errorf("%s uses %s", path, text)
		}
		if !strings.HasSuffix(path, ".pb.go") && strings.Contains(string(raw), "\nfunc init()") {
			t.Errorf("%s has an init function", path)
		}
	})
}
