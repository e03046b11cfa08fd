package keys

import (
	"net/http"
	"strings"
	"testing"
)

func TestCredential(t *testing.T) {
	long := strings.Repeat("k", maxCredential+1)
	for _, tt := range []struct {
		headers []string // names and values
		want    string
	}{
		{nil, ""},
		{[]string{"Authorization", "Bearer k1"}, "k1"},
		{[]string{"authorization", "bearer   k1"}, "k1"},
		{[]string{"X-Api-Key", "k2"}, "k2"},
		{[]string{"x-api-key", "k2", "Authorization", "Bearer k1"}, "k1"},
		{[]string{"x-api-key", "k2", "Authorization", "Basic dTpw"}, "k2"},
		{[]string{"x-api-key", "k2", "Authorization", "Bearer "}, ""},
		{[]string{"Authorization", "Bearer k1", "Authorization", "Bearer k2"}, ""},
		{[]string{"x-api-key", "k2", "Authorization", "Bearer k1", "Authorization", "Basic a"}, ""},
		{[]string{"x-api-key", "k1", "x-api-key", "k2"}, ""},
		{[]string{"Authorization", "k1"}, ""},
		{[]string{"Authorization", "Bearer"}, ""},
		{[]string{"Authorization", "Bearer k1 k2"}, ""},
		{[]string{"Authorization", "Bearer k1,k2"}, "k1,k2"},
		{[]string{"Authorization", "Bearer k\x00"}, ""},
		{[]string{"Authorization", "Bearer é"}, ""},
		{[]string{"Authorization", "Bearer " + long}, ""},
		{[]string{"x-api-key", long}, ""},
		{[]string{"x-api-key", ""}, ""},
		{[]string{"Proxy-Authorization", "Bearer k1"}, ""},
	} {
		h := http.Header{}
		for i := 0; i < len(tt.headers); i += 2 {
			h.Add(tt.headers[i], tt.headers[i+1])
		}
		if got := Credential(h.Values); got != tt.want {
			t.Errorf("%.80q: %q, want %q", tt.headers, got, tt.want)
		}
	}
}

// FuzzCredential reads any headers: a key is bounded, visible, and was sent.
func FuzzCredential(f *testing.F) {
	f.Add("Bearer k1", "k2", true)
	f.Add("bearer  ", "", false)
	f.Add("Basic dTpw", "k\r\n", false)
	f.Fuzz(func(t *testing.T, given, key string, twice bool) {
		values := map[string][]string{authorization: {given}, apiKey: {key}}
		if twice {
			values[apiKey] = append(values[apiKey], key)
		}
		got := Credential(func(name string) []string { return values[name] })
		switch {
		case got == "":
		case !isToken(got):
			t.Errorf("%q and %q give %q", given, key, got)
		case got != key && !strings.HasSuffix(given, " "+got):
			t.Errorf("%q is in neither %q nor %q", got, given, key)
		case twice && got == key && !strings.HasSuffix(given, " "+got):
			t.Errorf("one of two keys is taken: %q", got)
		}
	})
}
