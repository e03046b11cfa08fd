package verify

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// TestEveryFlagExists gives the binary the arguments of each pod of each
// overlay, and --help so that it starts nothing: a flag that does not exist, or
// a value of the wrong type, is an error before help is shown.
func TestEveryFlagExists(t *testing.T) {
	t.Parallel()
	hachi, flags := builtImage(t).program(), map[string][]string{}
	for _, overlay := range overlays {
		m := render(t, overlay)
		for _, p := range m.Pods(func(int) string { return "127.0.0.1" }) {
			if p.Workload.Component == "etcd" {
				continue // TestPodsServe runs it
			}
			env, err := m.Environment(p)
			if err != nil {
				t.Fatal(err)
			}
			args, err := p.Arguments(env)
			if err != nil {
				t.Fatal(err)
			}
			for _, c := range p.Workload.Template.Spec.InitContainers {
				if out, err := exec.Command(hachi, append(slices.Clone(c.Args), "--help")...).CombinedOutput(); err != nil {
					t.Errorf("%s, %s: %v\n%s", overlay, p.Name, err, out)
				}
			}
			if out, err := exec.Command(hachi, append(args, "--help")...).CombinedOutput(); err != nil {
				t.Errorf("%s, %s: %v\n%s", overlay, p.Name, err, out)
			}
			role := p.Workload.Component
			if flags[role] == nil {
				flags[role] = flagsOf(t, hachi, role)
			}
			checkVariables(t, p, env, flags[role])
		}
	}
}

// checkVariables: a variable HACHI_X that stands for no flag would be ignored.
func checkVariables(t *testing.T, p Pod, env map[string]string, flags []string) {
	t.Helper()
	for name := range env {
		flag, ours := strings.CutPrefix(name, "HACHI_")
		flag = strings.ToLower(strings.ReplaceAll(flag, "_", "-"))
		if ours && !slices.Contains(flags, flag) {
			t.Errorf("%s: %s stands for no flag of its role", p.Name, name)
		}
	}
}

var flagLine = regexp.MustCompile(`(?m)^\s+--([a-z-]+)`)

func flagsOf(t *testing.T, hachi, role string) []string {
	t.Helper()
	out, err := exec.Command(hachi, role, "--help").Output()
	if err != nil {
		t.Fatal(err)
	}
	var flags []string
	for _, match := range flagLine.FindAllStringSubmatch(string(out), -1) {
		flags = append(flags, match[1])
	}
	return flags
}

// TestGracePeriods: a pod is not killed before its process has stopped by
// itself. The bounds are the product's own constants.
func TestGracePeriods(t *testing.T) {
	const margin = 5 * time.Second // to close connections and leave etcd
	serving := constant(t, "internal/api/server/config.go", "grace") + constant(t, "internal/api/server/config.go", "errorsWithin")
	for component, bound := range map[string]time.Duration{
		"expertnode": constant(t, "expertnode/run.go", "drainWithin"),
		"router":     serving,
		"gateway":    serving,
	} {
		w := render(t, "cpu").Workload(component)
		if got := w.Grace(); got < bound+margin {
			t.Errorf("%s is killed %v after SIGTERM, and may take %v", w.Name, got, bound+margin)
		}
	}
}

// constant reads a constant of the form N * time.Second.
func constant(t *testing.T, file, name string) time.Duration {
	t.Helper()
	parsed, err := parser.ParseFile(token.NewFileSet(), root+"/"+file, nil, 0)
	if err != nil {
		t.Fatal(err)
	}
	var found time.Duration
	ast.Inspect(parsed, func(n ast.Node) bool {
		spec, ok := n.(*ast.ValueSpec)
		if !ok || spec.Names[0].Name != name || len(spec.Values) != 1 {
			return true
		}
		if product, ok := spec.Values[0].(*ast.BinaryExpr); ok {
			if literal, ok := product.X.(*ast.BasicLit); ok {
				seconds, err := strconv.Atoi(literal.Value)
				if err == nil {
					found = time.Duration(seconds) * time.Second
				}
			}
		}
		return true
	})
	if found == 0 {
		t.Fatalf("%s has no constant %s of that many seconds: say here what bounds a graceful stop now", file, name)
	}
	return found
}

// TestVersions: etcd and Go are those that the product is tested with.
func TestVersions(t *testing.T) {
	product, here := gomod(t, root+"/go.mod"), gomod(t, "go.mod")
	version := func(mod, pattern string) string {
		found := regexp.MustCompile(`(?m)` + pattern).FindStringSubmatch(mod)
		if found == nil {
			t.Fatalf("no line %s", pattern)
		}
		return found[1]
	}
	const server = `^\s*go\.etcd\.io/etcd/server/v3 (\S+)`
	etcd := version(product, server)
	if got := version(here, server); got != etcd {
		t.Errorf("this module runs etcd %s, the product's is %s", got, etcd)
	}
	if got := render(t, "cpu").Workload("etcd").Container().Image; !strings.HasSuffix(got, ":"+etcd) {
		t.Errorf("the manifests run %s, the product is tested with etcd %s", got, etcd)
	}
	for _, file := range []string{dockerfile, cudaDockerfile} {
		stages, err := parseDockerfile(file)
		if err != nil {
			t.Fatal(err)
		}
		if want := "golang:" + version(product, `^go (\S+)`); !strings.HasPrefix(stages[0].BaseName, want+"@") {
			t.Errorf("%s builds with %s, go.mod wants %s", file, stages[0].BaseName, want)
		}
	}
}

func gomod(t *testing.T, path string) string {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

// addresses counts the addresses that loopback has given.
var addresses atomic.Int64

// loopback gives each pod an address of its own, 127.X.Y.N with X.Y of this process, so
// that neither tests nor test runs side by side meet.
func loopback(t *testing.T) func(int) string {
	t.Helper()
	pid := os.Getpid()
	return func(int) string {
		n := addresses.Add(1)
		if n > 254 {
			t.Fatal("there are no more addresses")
		}
		return fmt.Sprintf("127.%d.%d.%d", 1+pid/250%250, 1+pid%250, n)
	}
}
