package sweep

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/sim/scenario"
	"github.com/hachi-serve/hachi/internal/sim/trace"
)

// File is SWEEP.yaml: every combination of its lists is a cell.
type File struct {
	Clusters []Cluster `yaml:"clusters"`
	Nodes    []int     `yaml:"nodes"`    // of the first group; empty keeps the clusters' own
	Users    []int     `yaml:"users"`    // closed loop
	Rates    []float64 `yaml:"rates"`    // or requests per second
	Policies []string  `yaml:"policies"` // empty lists keep what clusters say
	Replicas []int     `yaml:"replicas"` // at most the nodes there are
	Networks []Network `yaml:"networks"`
	Formats  []string  `yaml:"formats"`
	Workload Workload  `yaml:"workload"`
	Goal     float64   `yaml:"goal"` // tokens per second of each user; 0 is none
	Figures  []Figure  `yaml:"figures"`

	dir string
}

// Cluster is a preset or a file.
type Cluster struct {
	Name   string `yaml:"name"`
	Preset string `yaml:"preset"`
	File   string `yaml:"file"` // from the sweep's directory
	// UsersPerRouter makes the number of routers grow with the users; 0 keeps it.
	UsersPerRouter int `yaml:"usersPerRouter"`
	// Measured are cells of hachi bench scale, a pattern from the sweep's directory.
	Measured string `yaml:"measured"`
}

// Network replaces a cluster's.
type Network struct {
	Name                 string `yaml:"name"`
	scenario.NetworkFile `yaml:",inline"`
}

// Workload is what users send, or a trace that is drawn.
type Workload struct {
	Prompt    int           `yaml:"prompt"` // tokens, of users
	Answer    int           `yaml:"answer"`
	Think     time.Duration `yaml:"think"`
	Join      time.Duration `yaml:"join"`      // within which users come
	Synthetic string        `yaml:"synthetic"` // of rates
	WarmUp    time.Duration `yaml:"warmUp"`    // that does not count
	Duration  time.Duration `yaml:"duration"`  // after it
	Seed      uint64        `yaml:"seed"`
}

// Read reads a file. The error is a role.ConfigError that names every fault with its line.
func Read(path string) (*File, error) {
	raw, err := os.ReadFile(path)
	if err != nil {
		return nil, &role.ConfigError{Err: err}
	}
	f := &File{dir: filepath.Dir(path), Workload: Workload{Seed: 1}}
	if err := role.DecodeConfig(path, raw, f); err != nil {
		return nil, err
	}
	var faults role.Faults
	f.check(&faults)
	if len(faults) > 0 {
		return nil, &role.ConfigError{Err: scenario.Located(path, raw, faults)}
	}
	return f, nil
}

// maxCells bounds a sweep.
const maxCells = 1 << 16

func (f *File) check(faults *role.Faults) {
	names := map[string]bool{}
	for i, c := range f.Clusters {
		field := fmt.Sprintf("clusters[%d]", i)
		if c.Name == "" || names[c.Name] {
			faults.Addf(field+".name", "%q: want a name that no other cluster has", c.Name)
		}
		names[c.Name] = true
		if _, err := f.read(c, scenario.Change{}); err != nil {
			faults.Addf(field, "%w", err)
		}
		faults.Min(field+".usersPerRouter", c.UsersPerRouter, 0)
	}
	if len(f.Clusters) == 0 {
		faults.Addf("clusters", "want at least one")
	}
	for i, n := range f.Nodes {
		faults.Between(fmt.Sprintf("nodes[%d]", i), n, 1, 1<<14)
	}
	for i, n := range f.Replicas {
		faults.Between(fmt.Sprintf("replicas[%d]", i), n, 1, 64)
	}
	f.checkLoad(faults)
	f.checkChanges(faults)
	if !(f.Goal >= 0) {
		faults.Addf("goal", "%v: want at least 0", f.Goal)
	}
	for i, fig := range f.Figures {
		fig.check(faults, fmt.Sprintf("figures[%d]", i))
	}
	if n := len(f.settings()); n > maxCells {
		faults.Addf("", "%d cells: want at most %d", n, maxCells)
	}
}

// checkLoad wants either users with their lengths, or rates of a trace.
func (f *File) checkLoad(faults *role.Faults) {
	w := f.Workload
	if (len(f.Users) == 0) == (len(f.Rates) == 0) {
		faults.Addf("users", "want either users or rates")
	}
	if w.Duration <= 0 || w.WarmUp < 0 || w.Join < 0 || w.Think < 0 {
		faults.Addf("workload.duration", "want a duration above 0, and no negative time")
	}
	for i, n := range f.Users {
		faults.Between(fmt.Sprintf("users[%d]", i), n, 1, 1<<20)
	}
	if len(f.Users) > 0 {
		faults.Between("workload.prompt", w.Prompt, 1, 1<<20)
		faults.Between("workload.answer", w.Answer, 1, 1<<20)
	}
	for i, rate := range f.Rates {
		made := trace.Synthetic{Kind: trace.Kind(w.Synthetic), Duration: max(1, w.WarmUp+w.Duration), Rate: rate}
		if err := made.Validate(); err != nil || rate == 0 {
			faults.Addf(fmt.Sprintf("rates[%d]", i), "%v: want above 0, and workload.synthetic: %w", rate, errors.Join(err))
		}
	}
}

// checkChanges tries each network, format and policy with each cluster.
func (f *File) checkChanges(faults *role.Faults) {
	if len(*faults) > 0 {
		return
	}
	try := func(field string, c scenario.Change) {
		for _, cluster := range f.Clusters {
			if _, err := f.read(cluster, c); err != nil {
				faults.Addf(field, "%w", err)
				return
			}
		}
	}
	for i := range f.Networks {
		if f.Networks[i].Name == "" {
			faults.Addf(fmt.Sprintf("networks[%d].name", i), "required")
		}
		try(fmt.Sprintf("networks[%d]", i), scenario.Change{Network: &f.Networks[i].NetworkFile})
	}
	for i, format := range f.Formats {
		try(fmt.Sprintf("formats[%d]", i), scenario.Change{Format: format})
	}
	for i, policy := range f.Policies {
		try(fmt.Sprintf("policies[%d]", i), scenario.Change{Policy: policy})
	}
}

// read builds a cluster with a change.
func (f *File) read(c Cluster, change scenario.Change) (*scenario.Scenario, error) {
	switch {
	case (c.Preset == "") == (c.File == ""):
		return nil, errors.New("want either preset or file")
	case c.File != "":
		return scenario.Read(filepath.Join(f.dir, c.File), change)
	}
	preset, err := scenario.FindPreset(c.Preset)
	if err != nil {
		return nil, err
	}
	return preset.Read(change)
}

// check checks a figure by itself.
func (fig Figure) check(faults *role.Faults, field string) {
	faults.Name(field+".name", fig.Name)
	faults.OneOf(field+".kind", fig.Kind, slices.Sorted(maps.Keys(kinds))...)
	for name, dim := range map[string]string{".x": fig.X, ".series": fig.Series, ".panels": fig.Panels} {
		if dim != "" {
			faults.OneOf(field+name, dim, dimensions...)
		}
	}
	for dim := range fig.Where {
		faults.OneOf(field+".where", dim, dimensions...)
	}
}
