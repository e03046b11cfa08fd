package strictjson

import (
	"strings"
	"testing"
)

func TestObject(t *testing.T) {
	tests := []struct {
		in, fault string // fault "" when in is good
	}{
		{`{}`, ""},
		{" {\"a\": 1, \"b\": {\"a\": null}} \n", ""},
		{``, "not JSON"},
		{`[]`, "expected a JSON object, found an array"},
		{`null`, "found null"},
		{`"x"`, "found string"},
		{`{"a":1,"a":2}`, `key "a" appears twice`},
		{`{"a":1}{`, "data after the end"},
		{`{"a":1`, "not closed"},
		{`{"a":}`, `value of "a"`},
		{`{1:2}`, "after 0 keys"},
	}
	for _, tt := range tests {
		_, err := Object([]byte(tt.in))
		if tt.fault == "" && err != nil || tt.fault != "" && (err == nil || !strings.Contains(err.Error(), tt.fault)) {
			t.Errorf("%s: error %v, want %q", tt.in, err, tt.fault)
		}
	}
}

func TestObjectKeepsOrderAndValues(t *testing.T) {
	m, err := Object([]byte(`{"b":[1, 2],"a":null}`))
	if err != nil || len(m) != 2 || m[0].Key != "b" || string(m[0].Value) != "[1, 2]" || !m[1].Null() || m[0].Null() {
		t.Errorf("got %v, %v", m, err)
	}
}
