package keys

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"go.yaml.in/yaml/v3"
)

// TestAFileIsFollowed while it changes: also as Kubernetes changes it, by a link, and
// through every fault, which is logged once.
func TestAFileIsFollowed(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "keys.yaml")
	write := func(entries ...Entry) {
		raw, err := yaml.Marshal(entries)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(entry("a", Limits{}))
	synctest.Test(t, func(t *testing.T) {
		file, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		var log bytes.Buffer
		ctx, stop := context.WithCancel(t.Context())
		followed := make(chan struct{})
		go func() {
			defer close(followed)
			file.Follow(ctx, slog.New(slog.NewTextHandler(&log, nil)))
		}()
		gate := &Gate{Clients: file.Guard}
		has := func(names ...string) {
			t.Helper()
			time.Sleep(3*lookEvery + lookEvery/2)
			synctest.Wait()
			for _, name := range []string{"a", "b"} {
				_, err := gate.Enter("KEY-" + name)
				if want := strings.Contains(strings.Join(names, ","), name); (err == nil) != want {
					t.Errorf("the key of %s: %v", name, err)
				}
			}
		}
		write(entry("b", Limits{})) // as long as before
		has("b")
		if err := os.WriteFile(path, []byte("- {name: a, sha"), 0o600); err != nil {
			t.Fatal(err)
		}
		has("b")
		if err := os.Remove(path); err != nil {
			t.Fatal(err)
		}
		has("b")
		write(entry("b", Limits{})) // the same again
		has("b")
		other := filepath.Join(dir, "other.yaml")
		raw, err := yaml.Marshal([]Entry{entry("a", Limits{}), entry("b", Limits{})})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(other, raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(other, path+".link"); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".link", path); err != nil {
			t.Fatal(err)
		}
		has("a", "b")
		stop()
		<-followed
		if n := strings.Count(log.String(), "level=ERROR"); n != 2 {
			t.Errorf("%d errors are logged of two faults:\n%s", n, log.String())
		}
		if n := strings.Count(log.String(), "API keys reloaded"); n != 3 {
			t.Errorf("%d reloads are logged, want 3:\n%s", n, log.String())
		}
	})
}
