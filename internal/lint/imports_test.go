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
	{"moe", []string{"moe"}, append(network, "google.golang.org/protobuf"), "the nouns stand on the standard library alone"},
	{"moe/moepb", []string{"moe", "proto"}, network, "it converts, and speaks to nobody"},
	{"moe/rowbuf", []string{}, append(network, "google.golang.org/protobuf"), "memory alone"},
	{"compute", []string{"compute", "model", "moe", "internal/poll"}, network, "numbers know no network"},
	{"compute/tensor", []string{}, network, "element types know nothing of ours"},
	{"compute/kernel", []string{"compute/kernel", "compute/tensor"}, network, "loops know element types alone"},
	{"compute/kernel/avx512", []string{}, network, "instructions alone"},
	{"compute/kernel/avx2", []string{}, network, "instructions alone"},
	{"compute/kernel/neon", []string{}, network, "instructions alone"},
	{"model", []string{"model", "moe", "compute/tensor", "compute/kernel"}, network, "the model is arithmetic on interfaces"},
	{"model/awq", []string{"model", "compute/tensor"}, network, "a source of weights"},
	{"model/gguf", []string{"model", "compute/tensor", "compute/kernel"}, network, "a source of weights"},
	{"model/quantise", []string{"model", "compute/tensor", "compute/kernel"}, network, "it reads and writes checkpoints"},
	{"router/kvcache", []string{"model"}, network, "pure bookkeeping"},
	{"router/scheduler", []string{"router/kvcache"}, network, "pure"},
	{"router/sampler", []string{}, network, "pure"},
	{"router/grammar", []string{"router/grammar"}, network, "pure: bytes of text and tokens by number"},
	{"router/dispatch", []string{"model", "moe", "compute/tensor"}, network, "a Caller is all it knows of a network"},
	{"router/engine", []string{"model", "moe", "compute/tensor", "router"}, network, "usable with no network"},
	{"router/completion", []string{"model/tokenizer", "router/engine", "router/grammar"}, network, "text over an engine"},
	{"router/openai", []string{"model", "moe", "router"}, network, "HTTP alone"},
	{"expertnode/batcher", []string{"model", "moe", "compute/tensor"}, network, "a queue before an FFN"},
	{"expertnode", []string{"expertnode", "model", "moe", "proto", "compute/tensor"}, network, "sessions and feeds are injected"},
	{"coordinator/planner", []string{"moe"}, network, "pure"},
	{"coordinator", []string{"coordinator", "moe", "proto", "cluster/registry"}, nil, "it plans and publishes"},
	{"transport/inproc", []string{"moe"}, network, "function calls"},
	{"transport/faulty", []string{"moe"}, network, "a wrapper"},
	{"transport/rpc", []string{"moe", "proto", "internal/poll"}, []string{"go.etcd.io/"}, "only rows travel here"},
	{"cluster", []string{"cluster", "moe", "proto"}, nil, "etcd and gossip"},
	{"router", []string{"router", "cluster/registry", "model", "moe", "proto"}, []string{"github.com/hashicorp/memberlist"}, "the process joins injected pieces"},
	{"bench", nil, nil, "it starts and measures whole clusters"},
	{"bench/roofline", []string{"compute"}, network, "kernels and the machine"},
	{"bench/forward", []string{"bench/roofline", "compute", "model", "moe"}, network, "a model in one process"},
	{"bench/rpc", []string{"transport/rpc", "moe", "proto"}, []string{"go.etcd.io/", "github.com/hashicorp/memberlist"}, "expert calls alone"},
	{"bench/plot", []string{}, network, "drawing alone"},
	{"bench/serve", []string{"bench/plot"}, network, "a client of the HTTP API of any server"},
	{"proto", []string{"proto"}, nil, "generated"},
	{"local", nil, nil, "the composition root"},
	{"cmd", nil, nil, "the command"},
	{"internal", []string{}, nil, "tests of the tree"},
	{"internal/leaktest", []string{}, network, "goroutines of a test binary alone"},
	{"internal/poll", []string{}, network, "counters alone: what is waited for is its users'"},
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
		if d.IsDir() && path != root && (strings.HasPrefix(name, ".") || name == "tools" || name == "testdata" || name == "bin" || name == "deploy") {
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
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil {
			t.Fatal(err)
		}
		r := ruleFor(dir)
		if r == nil {
			t.Errorf("%s: no rule says what it may import", dir)
			return
		}
		for _, spec := range file.Imports {
			name, err := strconv.Unquote(spec.Path.Value)
			if err != nil {
				t.Fatal(err)
			}
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
		"compute/kernel":      "math.Exp(",
		"router/scheduler":    "time.Now",
		"router/kvcache":      "time.Now",
		"router/sampler":      "time.Now",
		"coordinator/planner": "time.Now",
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
