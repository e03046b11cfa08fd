package main

import (
	"bytes"
	"regexp"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/api/keys"
)

// TestKeysNewPrintsAKeyOnceAndItsEntry: the entry, by itself on the standard output,
// can be appended to the file, and has only the hash.
func TestKeysNewPrintsAKeyOnceAndItsEntry(t *testing.T) {
	var out, said bytes.Buffer
	root := newRoot()
	root.SetOut(&out)
	root.SetErr(&said)
	root.SetArgs([]string{"keys", "new", "alice", "--concurrency", "3", "--max-priority", "-2"})
	if err := root.Execute(); err != nil {
		t.Fatal(err)
	}
	key := regexp.MustCompile(keys.Prefix + `\w+`).FindString(said.String())
	entries, err := keys.Parse(out.Bytes())
	if err != nil || len(entries) != 1 || entries[0].Name != "alice" || entries[0].Limits != (keys.Limits{Concurrency: 3, MaxPriority: -2}) {
		t.Fatalf("%s: %+v, %v", &out, entries, err)
	}
	if key == "" || entries[0].SHA256[0] != keys.HashOf(key) || strings.Contains(out.String(), key) {
		t.Errorf("the key %q, the entry %s", key, &out)
	}
	if _, _, err := execute(t, "keys", "new", "a b"); err == nil {
		t.Error("a name with a space is taken")
	}
	if _, _, err := execute(t, "keys", "new", "a", "--concurrency", "-1"); err == nil {
		t.Error("a limit below 0 is taken")
	}
}
