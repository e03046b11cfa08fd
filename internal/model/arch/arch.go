package arch

import (
	"encoding/json"
	"slices"

	"github.com/hachi-serve/hachi/internal/model"
)

// Arch is one architecture.
type Arch struct {
	// Name is the entry of `architectures` in config.json, ModelType that of
	// `model_type`.
	Name, ModelType string
	// Keys are the keys of config.json that the architecture adds to the common
	// ones. A key that is in neither is an error.
	Keys map[string]Key
	// Required are the keys of Keys without which shapes or arithmetic would be
	// a guess.
	Required []string
	// Ignored are keys that change nothing about the forward pass.
	Ignored []string
	// Finish derives what single keys cannot say, after all keys were read. It
	// finds the value of a key in raw; an absent key has none. Nil derives
	// nothing.
	Finish func(c *model.Config, raw map[string]json.RawMessage) error
	// Write adds to config.json what the architecture's keys say of c.
	Write func(c model.Config, out map[string]any)
	// Names are the names of the tensors by role; {layer} and {expert} stand
	// for numbers.
	Names map[Role]string
	// GGUF are the names in GGUF files; the zero value is no importer.
	GGUF GGUF
}

// Key reads the value of one key of config.json into c.
type Key func(c *model.Config, value json.RawMessage) error

// GGUF says how GGUF files hold an architecture.
type GGUF struct {
	Architectures []string // values of general.architecture
	Names         map[Role]string
	// RotaryPairs: the two halves of a rotary pair lie side by side in the rows
	// of q and k, as llama.cpp stores models of the llama family.
	RotaryPairs bool
}

// All lists every architecture. The first is that of a config.json that names
// none.
func All() []Arch { return []Arch{Mixtral(), Qwen3MoE()} }

// Of is the architecture of a configuration; the first of All when the
// configuration names none.
func Of(c model.Config) Arch {
	all := All()
	if i := slices.IndexFunc(all, func(a Arch) bool { return a.Name == c.Arch }); i >= 0 {
		return all[i]
	}
	return all[0]
}

// names lists the architectures for an error message.
func names(all []Arch) []string {
	var out []string
	for _, a := range all {
		out = append(out, a.Name)
	}
	return out
}
