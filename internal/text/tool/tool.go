package tool

import (
	"encoding/json"
	"fmt"
	"slices"
)

// MaxName is the maximum length of a name, bytes.
const MaxName = 128

// Tool is a function that a model may call.
type Tool struct {
	Name        string
	Description string
	// Parameters is the JSON Schema of the arguments, which are an object. None
	// is a function without parameters.
	Parameters json.RawMessage
	// Strict is the client's wish that arguments satisfy the schema. They always do.
	Strict bool
}

// Schema returns the JSON Schema of the arguments.
func (t Tool) Schema() json.RawMessage {
	if len(t.Parameters) == 0 {
		return json.RawMessage(`{"type":"object","properties":{}}`)
	}
	return t.Parameters
}

// Call is a call of a function by a model.
type Call struct {
	// ID joins a call and its result.
	ID        string
	Name      string
	Arguments string // a JSON object, as it was written
}

// Mode says whether a model may call functions.
type Mode int

const (
	Auto     Mode = iota // text, calls, or both
	None                 // text only
	Required             // at least one call
	Named                // a call of one function
)

// Choice says which functions a model may or must call. The zero value is Auto.
type Choice struct {
	Mode Mode
	Name string // of the function, when Named
}

// Check reports that no function fits the choice.
func (c Choice) Check(tools []Tool) error {
	switch named := func(t Tool) bool { return t.Name == c.Name }; {
	case c.Mode == Required && len(tools) == 0:
		return fmt.Errorf("a call is required, but there are no functions")
	case c.Mode == Named && !slices.ContainsFunc(tools, named):
		return fmt.Errorf("a call of %.200q is required, but there is no such function", c.Name)
	}
	return nil
}

// ValidName reports whether a name is well-formed.
func ValidName(name string) bool {
	for i := range len(name) {
		if !IsNameByte(name[i]) {
			return false
		}
	}
	return name != "" && len(name) <= MaxName
}

// IsNameByte reports whether a name may have a byte.
func IsNameByte(b byte) bool {
	return 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z' || '0' <= b && b <= '9' || b == '_' || b == '-'
}
