package identity

import (
	"path/filepath"
	"slices"
	"testing"
	"time"
)

// TestADirectoryRotatesItsAuthority: at every step each process opens its
// certificate, and a running one accepts the others.
func TestADirectoryRotatesItsAuthority(t *testing.T) {
	d := Directory(filepath.Join(t.TempDir(), "certs"))
	if err := d.Init("c", time.Hour); err != nil {
		t.Fatal(err)
	}
	if d.Init("c", time.Hour) == nil {
		t.Error("a second authority replaced the first")
	}
	dirs := []string{}
	for _, id := range []ID{{"c", Expert, "expert-0"}, {"c", Router, "router-0"}} {
		dir, err := d.Issue(id.Role, id.Name, []string{"localhost", "10.0.0.1"}, 30*time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		dirs = append(dirs, dir)
		if s, err := Open(dir, nil); err != nil || s.ID() != id {
			t.Fatalf("%v, %v", s, err)
		}
	}
	if err := d.Forget(); err != nil { // there is only one, which stays
		t.Error(err)
	}
	check := func(step string) {
		t.Helper()
		expert, err := Open(dirs[0], nil)
		if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		router, err := Open(dirs[1], nil)
		if err != nil {
			t.Fatalf("%s: %v", step, err)
		}
		if code := exchange(t, dial(t, serve(t, expert, nil), tlsTo(router, Expert, "expert-0"))); code != 0 {
			t.Errorf("%s: %v", step, code)
		}
	}
	check("at the start")
	if err := d.Rotate(2 * time.Hour); err != nil {
		t.Fatal(err)
	}
	check("both trusted")
	if d.Forget() == nil {
		t.Error("an authority was forgotten whose certificates are in use")
	}
	if none, err := d.Renew(time.Minute); err != nil || len(none) != 0 {
		t.Errorf("renewed %v, %v: none ends within a minute", none, err)
	}
	all, err := d.Renew(time.Hour)
	if err != nil || len(all) != 2 || !slices.Equal(all[0].Hosts, []string{"localhost", "10.0.0.1"}) {
		t.Fatalf("%v, %v", all, err)
	}
	check("renewed")
	if err := d.Forget(); err != nil {
		t.Fatal(err)
	}
	check("the old one forgotten")
}
