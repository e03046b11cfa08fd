package strictjson

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
)

// FuzzSplit: Valid agrees with encoding/json, and the parts of what is valid are those
// that encoding/json finds.
func FuzzSplit(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,-0.5e+3,"x\"\\\u00e9"],"b":{},"":null}`, `[]`, ` [ true , false ] `, `"a`, `{"a"}`, `01`, `1.`, `-`, `{"a":1,}`, `[1 2]`, "\"\x01\"", `"\x"`, `{"a":1}x`, `nul`,
		strings.Repeat("[", 1001) + strings.Repeat("]", 1001), `{"\u0061":1,"a":2}`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		data := []byte(s)
		err := Valid(data)
		if valid := json.Valid(data); valid != (err == nil) && !(valid && strings.Contains(err.Error(), "the depth is")) {
			t.Fatalf("%q: valid %v, %v", s, valid, err)
		}
		if err != nil {
			return
		}
		var list []json.RawMessage
		if elements, err := Elements(data, 1<<20); err == nil {
			if json.Unmarshal(data, &list) != nil || !slices.EqualFunc(list, elements, func(a, b json.RawMessage) bool { return string(a) == string(b) }) {
				t.Errorf("%q: %q, expected %q", s, elements, list)
			}
		}
		var object map[string]json.RawMessage
		if members, err := Members(data, 1<<20); err == nil {
			if json.Unmarshal(data, &object) != nil || len(object) != len(members) {
				t.Fatalf("%q: %q, expected %q", s, members, object)
			}
			for _, m := range members {
				if string(object[m.Key]) != string(m.Value) {
					t.Errorf("%q: %q is %q, expected %q", s, m.Key, m.Value, object[m.Key])
				}
			}
		}
		var text, want string
		if s[0] == '"' && json.Unmarshal(data, &want) == nil {
			if text = Text([]byte(strings.TrimRight(s, " \t\r\n"))); text != want {
				t.Errorf("%q: %q, expected %q", s, text, want)
			}
		}
	})
}

// TestMorePartsThanAskedForAreRefused, as are keys and numbers that no client means.
func TestMorePartsThanAskedForAreRefused(t *testing.T) {
	for _, tt := range []struct{ data, want string }{
		{`{"a":1,"b":2,"c":3}`, "more than 2 members"},
		{`{"` + strings.Repeat("k", 2000) + `":1}`, "a key has 2000 bytes"},
		{`{"a":1` + strings.Repeat("0", 2000) + `}`, "a number has 2001 characters"},
		{`{"a":1,"\u0061":2}`, `key "a" appears twice`},
		{`[]`, "expected a JSON object, found an array"},
	} {
		if _, err := Members([]byte(tt.data), 2); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%.40s: %v, want %q", tt.data, err, tt.want)
		}
	}
	if _, err := Elements([]byte(`[1,2,3]`), 2); err == nil || !strings.Contains(err.Error(), "more than 2 elements") {
		t.Errorf("%v", err)
	}
	if allocs := testing.AllocsPerRun(5, func() { _ = Valid([]byte(`{"a":[1,2,{"b":"\n"}]}`)) }); allocs > 0 {
		t.Errorf("%v allocations", allocs)
	}
}
