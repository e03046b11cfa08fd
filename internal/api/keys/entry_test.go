package keys

import (
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/hachi-serve/hachi/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const (
	hashA = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	hashB = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
)

func TestParse(t *testing.T) {
	entries, err := Parse([]byte(`
- name: batch.job_1
  sha256: [` + hashA + `, ` + hashB + `]
  expires: 2027-01-02T03:04:05Z
  requestsPerMinute: 60
  concurrency: 4
  tokensPerDay: 1000
  maxPriority: -5
  salt: team
- {name: b, sha256: ` + strings.Repeat("cC", 32) + `}
`))
	if err != nil || len(entries) != 2 {
		t.Fatalf("%+v, %v", entries, err)
	}
	want := Limits{RequestsPerMinute: 60, Concurrency: 4, TokensPerDay: 1000, MaxPriority: -5}
	if e := entries[0]; e.Name != "batch.job_1" || len(e.SHA256) != 2 || e.SHA256[1].String() != hashB || e.Limits != want || e.Salt != "team" || e.Expires.Year() != 2027 {
		t.Errorf("%+v", e)
	}
	if e := entries[1]; e.SHA256[0].String() != strings.Repeat("cc", 32) {
		t.Errorf("%+v", e)
	}
}

func TestFaultsOfAFileAreNamed(t *testing.T) {
	one := "{name: a, sha256: " + hashA + "}"
	for file, want := range map[string]string{
		"":                                       "the file is empty",
		"# nothing\n":                            "the file is empty",
		"- " + one + "\n- " + one:                `"a" has an entry already`,
		"- " + one + "\n---\n- " + one:           "one YAML document",
		"- {name: a, sha256: " + hashA[1:] + "}": "64 hexadecimal digits",
		"- {name: a, sha256: g" + hashA[1:] + "}":  "invalid byte",
		"- {name: a, sha256: hachi_KEY}":           "line 1: want a SHA-256",
		"- {name: a}":                              "0 hashes",
		"- {name: a, sha256: []}":                  "0 hashes",
		"- {sha256: " + hashA + "}":                "key 1: name",
		"- {name: \"a b\", sha256: " + hashA + "}": "key 1: name",
		"- {name: a, sha256: " + hashA + "}\n- {name: b, sha256: " + hashA + "}": "key b: sha256: a has the same hash",
		"- {name: a, sha256: " + hashA + ", rps: 3}":                             "field rps not found",
		"- {name: a, sha256: " + hashA + ", concurrency: -1}":                    "a limit is -1",
		"- {name: a, sha256: " + hashA + ", salt: \"x\\0y\"}":                    "salt",
		"name: a":                      "cannot unmarshal",
		strings.Repeat("#", MaxFile+1): "expected at most",
		strings.Repeat("- "+one+"\n", MaxEntries+1): "1001 keys",
	} {
		if _, err := Parse([]byte(file)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%.80q: %v, want %q", file, err, want)
		}
	}
}

func TestANewKeyIsFoundByItsEntry(t *testing.T) {
	key, e, err := New("alice", Limits{})
	if err != nil {
		t.Fatal(err)
	}
	raw, err := yaml.Marshal([]Entry{e})
	if err != nil || strings.Contains(string(raw), strings.TrimPrefix(key, Prefix)) {
		t.Fatalf("%s, %v", raw, err)
	}
	entries, err := Parse(raw)
	if err != nil {
		t.Fatal(err)
	}
	g := NewGuard(entries)
	if c, err := g.enter(key); err != nil || c.entry.Name != "alice" {
		t.Errorf("%+v, %v", c, err)
	}
	if other, _, _ := New("alice", Limits{}); other == key || !strings.HasPrefix(key, Prefix) || len(key) < len(Prefix)+26 {
		t.Errorf("keys %q and %q", key, other)
	}
	if _, _, err := New("a b", Limits{}); err == nil {
		t.Error("a name with a space is taken")
	}
}

// FuzzParse reads files that are as an attacker or an editor may leave them: what is
// accepted is within the bounds, and reads the same when it is written again.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"", "[]", "- {name: a, sha256: " + hashA + "}", "- name: a\n  sha256:\n  - " + hashA + "\n  - " + hashB + "\n  expires: 2027-01-01T00:00:00Z\n",
		"- &a {name: a, sha256: " + hashA + "}\n- *a", "- {<<: {name: a}, sha256: " + hashB + "}", "a: &a [*a]", "- {name: a, sha256: {}}",
	} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		entries, err := Parse(raw)
		if err != nil {
			return
		}
		if len(entries) > MaxEntries {
			t.Fatalf("%d entries", len(entries))
		}
		written, err := yaml.Marshal(entries)
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse(written)
		if err != nil || len(again) != len(entries) {
			t.Fatalf("%s: %v", written, err)
		}
		for i, e := range entries {
			if again[i].Name != e.Name || again[i].Limits != e.Limits || again[i].Salt != e.Salt || !again[i].Expires.Equal(e.Expires) {
				t.Errorf("%+v was written, %+v was read", e, again[i])
			}
		}
		NewGuard(entries).Replace(again)
	})
}
