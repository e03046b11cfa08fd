package backend

import "testing"

func TestFindListsWhatThereIs(t *testing.T) {
	all := []Backend{{Name: "cpu"}, {Name: "reference"}}
	if b, err := Find(all, "reference"); err != nil || b.Name != "reference" {
		t.Errorf("found %q, %v", b.Name, err)
	}
	if _, err := Find(all, "abacus"); err == nil || err.Error() != "this binary has cpu, reference" {
		t.Errorf("an unknown backend: %v, want the names of those there are", err)
	}
}
