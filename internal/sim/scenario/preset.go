package scenario

import (
	"embed"
	"fmt"
	"strings"

	"github.com/hachi-serve/hachi/internal/role"
)

// presets are files of clusters, whose constants have their sources beside them.
//
//go:embed presets/*.yaml
var presets embed.FS

// Preset is a cluster file that is part of hachi.
type Preset struct {
	Name  string
	About string // its first line
	Text  string
}

// Presets are all of them, by name.
func Presets() []Preset {
	files, err := presets.ReadDir("presets")
	if err != nil {
		panic(err) // they are in the binary
	}
	var out []Preset
	for _, f := range files {
		raw, err := presets.ReadFile("presets/" + f.Name())
		if err != nil {
			panic(err)
		}
		first, _, _ := strings.Cut(string(raw), "\n")
		out = append(out, Preset{Name: strings.TrimSuffix(f.Name(), ".yaml"), About: strings.TrimPrefix(first, "# "), Text: string(raw)})
	}
	return out
}

// FindPreset finds a preset by name. The error lists what there is.
func FindPreset(name string) (Preset, error) {
	var names []string
	for _, p := range Presets() {
		if p.Name == name {
			return p, nil
		}
		names = append(names, p.Name)
	}
	return Preset{}, &role.ConfigError{Err: fmt.Errorf("preset %q is not known, expected one of %s", name, strings.Join(names, ", "))}
}

// Read builds the scenario of a preset, with changes.
func (p Preset) Read(changes ...Change) (*Scenario, error) {
	return parse("preset "+p.Name, "", []byte(p.Text), changes)
}
