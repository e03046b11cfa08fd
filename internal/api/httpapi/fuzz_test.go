package httpapi

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"
)

// FuzzReader: whatever a body is, reading it ends with a fault that has the status
// 400, or every key of it is read or named in the header, which stays visible
// ASCII.
func FuzzReader(f *testing.F) {
	for _, body := range []string{
		`{"text":"a","flag":true,"number":1e400,"integer":3.0,"inside":{"x":[1]},"list":[{"y":null},{"\u00e9,%":1}]}`,
		`{"text":"\ud83d\ude00","inside":[],"list":[1]}`, `{"a":1,"a":2}`, `{"\ud800":1}`, `[]`, "{\"a\x00\":1}", `{"list":[{},{},{"z":{"z":{}}}]}`,
	} {
		f.Add(body)
	}
	f.Fuzz(func(t *testing.T, body string) {
		r, err := decode([]byte(body), 0)
		if err != nil {
			if toError(err).Status != http.StatusBadRequest {
				t.Errorf("%q: %v", body, err)
			}
			return
		}
		if !json.Valid([]byte(body)) {
			t.Errorf("%q was read", body)
		}
		var text string
		var flag bool
		var number float64
		var integer int
		r.Text("text", &text)
		r.Flag("flag", &flag)
		r.Number("number", &number)
		r.IntegerWithin("integer", &integer, -5, 5)
		r.Inside("inside")
		r.Objects("list")
		if err := r.Err(); err != nil {
			if e := toError(err); e.Status != http.StatusBadRequest || e.Param == "" || !strings.HasPrefix(e.Message, e.Param) {
				t.Errorf("%q: %+v", body, e)
			}
			return
		}
		if integer < -5 || integer > 5 {
			t.Errorf("%q has the integer %d", body, integer)
		}
		h := http.Header{}
		paths := r.ignored()
		nameIgnored(h, paths)
		named := h.Values(IgnoredHeader)
		if len(named) > maxNamed+1 || len(paths) > 0 != (len(named) > 0) {
			t.Errorf("%q: %q of %q", body, named, paths)
		}
		for _, name := range named {
			if !strings.HasPrefix(name, "and ") && strings.ContainsFunc(name, func(c rune) bool { return c <= ' ' || c >= 0x7f || c == ',' }) {
				t.Errorf("%q: %q is unfit for a header", body, name)
			}
		}
	})
}
