package grammar

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

// TestTheFunctionAtFaultIsNamed whatever is wrong with its schema, also beside functions
// that could be called.
func TestTheFunctionAtFaultIsNamed(t *testing.T) {
	limits := DefaultLimits()
	limits.States = 4096
	c := compiler(t, newMistral(t), limits)
	const good = `{"type":"object","properties":{"a":{"type":"string"}}}`
	many := make([]string, 900)
	for i := range many {
		many[i] = fmt.Sprintf(`"name%d":{"enum":["a value %d","another value %d"]}`, i, i, i)
	}
	for name, schema := range map[string]string{
		"an unknown type":            `{"type":"object","properties":{"a":{"type":"strin"}}}`,
		"an unsupported keyword":     `{"type":"object","if":{}}`,
		"no JSON":                    `{"type":`,
		"no object":                  `{"type":"array"}`,
		"false":                      `false`,
		"bounds that nothing has":    `{"type":"object","properties":{"a":{"type":"integer","minimum":3,"maximum":2}},"required":["a"]}`,
		"a member that cannot be":    `{"type":"object","properties":{"a":false},"required":["a"]}`,
		"a value without an end":     `{"$ref":"#/$defs/a","$defs":{"a":{"type":"object","properties":{"a":{"$ref":"#/$defs/a"}},"required":["a"]}}}`,
		"an empty enumeration":       `{"type":"object","properties":{"a":{"enum":[]}},"required":["a"]}`,
		"too few different items":    `{"type":"object","properties":{"a":{"type":"array","items":{"enum":[1,2]},"minItems":3,"uniqueItems":true}},"required":["a"]}`,
		"more states than allowed":   `{"type":"object","properties":{` + strings.Join(many, ",") + `}}`,
		"more bytes than are read":   `{"description":"` + strings.Repeat("x", 5*limits.SourceBytes) + `"}`,
		"a reference to what is not": `{"$ref":"#/$defs/a"}`,
	} {
		for _, at := range []int{0, 1, 2} {
			functions := []Function{{"f", json.RawMessage(good)}, {"g", json.RawMessage(good)}, {"h", json.RawMessage(good)}}
			functions[at].Schema = json.RawMessage(schema)
			_, err := c.Turn(Turn{Text: &Text{}, Calls: &Calls{Begin: `[TOOL_CALLS]{"name": "`, Between: `", "arguments": `, End: "}", Marker: "[TOOL_CALLS]", Anywhere: true, Functions: functions}})
			var fault *FunctionFault
			if !errors.As(err, &fault) || fault.Index != at {
				t.Errorf("%s in function %d: %.300v", name, at, err)
			}
		}
	}
}

// TestFunctionsThatAreTooLargeTogetherNameNone.
func TestFunctionsThatAreTooLargeTogetherNameNone(t *testing.T) {
	limits := DefaultLimits()
	limits.States = 1024
	c := compiler(t, newMistral(t), limits)
	var functions []Function
	for i := range 200 {
		functions = append(functions, Function{fmt.Sprintf("f%d", i), json.RawMessage(`{"type":"object","properties":{"a":{"enum":["one","two","three"]}}}`)})
	}
	_, err := c.Turn(Turn{Calls: &Calls{Begin: `{"name": "`, Between: `", "arguments": `, End: "}", Functions: functions}})
	if !errors.Is(err, ErrTogether) || !errors.Is(err, ErrTooLarge) {
		t.Errorf("%v", err)
	}
	functions = functions[:3]
	for i := range functions {
		functions[i].Schema = json.RawMessage(`{"description":"` + strings.Repeat("x", limits.SourceBytes/2) + `"}`)
	}
	if _, err := c.Turn(Turn{Calls: &Calls{Begin: `{"name": "`, Between: `", "arguments": `, End: "}", Functions: functions}}); !errors.Is(err, ErrTogether) {
		t.Errorf("%.300v", err)
	}
}
