package scenario

import (
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/hachi-serve/hachi/internal/role"
)

// TestPresetsAreClusters: each is valid as it is, and with any number of nodes.
func TestPresetsAreClusters(t *testing.T) {
	all := Presets()
	if len(all) != 5 {
		t.Errorf("%d presets, want 5", len(all))
	}
	for _, p := range all {
		s, err := p.Read()
		if err != nil {
			t.Errorf("%s: %v", p.Name, err)
			continue
		}
		if !strings.HasSuffix(p.About, ".") || len(s.Nodes) == 0 {
			t.Errorf("%s: %q, %d nodes", p.Name, p.About, len(s.Nodes))
		}
		changed, err := p.Read(Change{Nodes: 3, Routers: 1, Replicas: 1, Policy: "column", Format: "int4", Network: &NetworkFile{Latency: latency{P50: 1}, Bandwidth: role.Gi}})
		if err != nil || len(changed.Nodes) != 3 || changed.Routers.Count != 1 || changed.Replicas != 1 || changed.Policy != "column" || changed.Shape.Experts.String() != "int4" || changed.Network.P50 != 1 {
			t.Errorf("%s changed: %v, %+v", p.Name, err, changed)
		}
	}
	if _, err := FindPreset("none"); err == nil || !strings.Contains(err.Error(), "expected one of cpu-1000, cpu-10gbe") {
		t.Error(err)
	}
}

// Forms of a source, and of a reference to one.
var (
	source    = regexp.MustCompile(`(?m)^#   (\[\d+\]) (https://\S+|docs/\S+|` + "`hachi [^`]+`" + `|choice: )`)
	reference = regexp.MustCompile(`\[\d+\]`)
)

// TestConstantsOfPresetsHaveSources: each line with a number of machines or the network
// refers to sources, each of which is an address, a document, a command or a choice, and
// each source is referred to.
func TestConstantsOfPresetsHaveSources(t *testing.T) {
	for _, p := range Presets() {
		for _, fault := range sourceFaults(t, p.Text) {
			t.Errorf("%s: %s", p.Name, fault)
		}
	}
	const bad = "# A cluster.\n#   [1] somebody said so\n#   [2] https://example.com unused\nmachines:\n  m:\n    cores: 2\n    memory: 1Gi # [1]\nnetwork: {message: 1us} # [3]\n"
	want := []string{"source [2] is referred to nowhere", `no source: "    cores: 2"`, `no source [1]: "    memory: 1Gi # [1]"`, `no source [3]: "network: {message: 1us} # [3]"`}
	if got := strings.Join(sourceFaults(t, bad), "\n"); got != strings.Join(want, "\n") {
		t.Errorf("the faults of a bad file are\n%s", got)
	}
}

// sourceFaults lists the constants of a file that lack a source.
func sourceFaults(t *testing.T, text string) (out []string) {
	t.Helper()
	known := map[string]bool{}
	for _, m := range source.FindAllStringSubmatch(text, -1) {
		known[m[1]] = true
	}
	lines := strings.Split(text, "\n")
	used := map[string]bool{}
	var doc yaml.Node
	if err := yaml.Unmarshal([]byte(text), &doc); err != nil {
		t.Fatal(err)
	}
	var faults []string
	for line := range constants(doc.Content[0]) {
		_, comment, _ := strings.Cut(lines[line-1], "# ")
		refs := reference.FindAllString(comment, -1)
		if len(refs) == 0 {
			faults = append(faults, "no source: "+quote(lines[line-1]))
		}
		for _, r := range refs {
			used[r] = true
			if !known[r] {
				faults = append(faults, "no source "+r+": "+quote(lines[line-1]))
			}
		}
	}
	for _, m := range source.FindAllStringSubmatch(text, -1) {
		if !used[m[1]] {
			out = append(out, "source "+m[1]+" is referred to nowhere")
		}
	}
	return append(out, faults...)
}

func quote(line string) string { return `"` + line + `"` }

// constants yields the lines with numbers in the sections machines and network, each once.
func constants(top *yaml.Node) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		last := 0
		var walk func(n *yaml.Node) bool
		walk = func(n *yaml.Node) bool {
			for i, child := range n.Content {
				if !walk(child) {
					return false
				}
				isValue := n.Kind != yaml.MappingNode || i%2 == 1
				if child.Kind == yaml.ScalarNode && isValue && strings.ContainsAny(child.Value, "0123456789") && child.Line != last {
					last = child.Line
					if !yield(last) {
						return false
					}
				}
			}
			return true
		}
		for i := 0; i+1 < len(top.Content); i += 2 {
			if name := top.Content[i].Value; (name == "machines" || name == "network") && !walk(top.Content[i+1]) {
				return
			}
		}
	}
}
