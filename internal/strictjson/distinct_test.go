package strictjson

import (
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
)

func TestDistinct(t *testing.T) {
	for _, tt := range []struct{ data, path, key string }{
		{`{"a":1,"a":2}`, "", "a"},
		{` { "b" : 1 , "a" : [ 1 , { "c" : { "d" : null , "d" : 1 } } ] }`, "a[1].c", "d"},
		{`{"x":{"a":1,"\u0061":2}}`, "x", "a"},
		{`[[{"a":"\"}","b":{},"":1,"":2}]]`, "[0][0]", ""},
		{`{"a":{"a":{"a":1}},"b":[{"a":1},{"a":2}],"A":1}`, "-", ""},
		{`[]`, "-", ""}, {`"a"`, "-", ""}, {`-1.5e3`, "-", ""}, {`{}`, "-", ""},
		{`{"a":[{"x":1},{"y":{"z":[0,-1e5,true,{"k":1,"k":1}]}}],"b":{"c":1,"c":2}}`, "a[1].y.z[3]", "k"},
	} {
		err := Distinct([]byte(tt.data), 100)
		var found *KeyError
		switch {
		case tt.path == "-":
			if err != nil {
				t.Errorf("%s: %v", tt.data, err)
			}
		case !errors.As(err, &found) || found.Path != tt.path || err.Error() != fmt.Sprintf("key %q appears twice", tt.key):
			t.Errorf("%s: %+v, want %s and %s", tt.data, err, tt.path, tt.key)
		}
	}
}

// TestDistinctBoundsTheKeysThatItKeeps, of one object and of objects in one another.
func TestDistinctBoundsTheKeysThatItKeeps(t *testing.T) {
	var many strings.Builder
	for i := range 100 {
		fmt.Fprintf(&many, `"%d":0,`, i)
	}
	for data, path := range map[string]string{
		`{"x":{` + many.String() + `"a":0}}`: "x",
		`{"x":[{` + many.String()[:strings.Index(many.String(), `"40"`)] + `"y":{` + many.String() + `"a":0}}]}`: "x[0].y",
	} {
		var found *KeyError
		if err := Distinct([]byte(data), 100); !errors.As(err, &found) || found.Path != path || !strings.Contains(err.Error(), "more than 100") {
			t.Errorf("%s: %+v", data, err)
		}
	}
	each := `{"a":[` + strings.Repeat(`{`+many.String()+`"b":0},`, 9) + `0]}`
	if err := Distinct([]byte(each), 102); err != nil {
		t.Error(err)
	}
}

// FuzzDistinct: it finds what Members finds, at every depth, and no more.
func FuzzDistinct(f *testing.F) {
	f.Add([]byte(`{"a":[1,{"b":2,"b":[]}],"":{}}`))
	f.Add([]byte(`{"a":1,"\u0061":2}`))
	f.Add([]byte(`[[],{},"x",-1e5,null]`))
	f.Fuzz(func(t *testing.T, data []byte) {
		if Valid(data) != nil || len(data) > 1000 {
			return
		}
		if got, want := Distinct(data, 1000) != nil, repeats(data); got != want {
			t.Errorf("%s: a duplicate is found: %v, want %v", data, got, want)
		}
	})
}

// repeats looks for a duplicate by Members.
func repeats(data json.RawMessage) bool {
	data = data[blanks(data, 0):]
	switch data[0] {
	case '{':
		members, err := Members(data, 1000)
		if err != nil {
			return true
		}
		for _, m := range members {
			if repeats(m.Value) {
				return true
			}
		}
	case '[':
		elements, err := Elements(data, 1000)
		for _, one := range elements {
			if err != nil || repeats(one) {
				return true
			}
		}
	}
	return false
}
