package source

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"github.com/hachi-serve/hachi/internal/logtest"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/moe"
)

func TestMain(m *testing.M) {
	if url := os.Getenv(childURL); url != "" {
		os.Exit(child(url, os.Getenv(childCache)))
	}
	goleak.VerifyTestMain(m)
}

func same(a, b [][]byte) bool { return slices.EqualFunc(a, b, bytes.Equal) }

func TestAModelByHTTPIsTheOneOfItsDirectory(t *testing.T) {
	for _, manifest := range []bool{true, false} {
		dir := modelDir(t, manifest)
		want, digest := local(t, dir)
		o := serve(t, dir, nil)
		m := at(t, o.URL, cacheIn(t, t.TempDir(), 0), WebConfig{})
		c := open(t, m)
		if c.Digest() != digest || (c.Manifest() != nil) != manifest {
			t.Errorf("manifest %t: digest %s, want %s; manifest %v", manifest, c.Digest(), digest, c.Manifest() != nil)
		}
		got, err := loadAll(t.Context(), c)
		if err != nil || !same(got, want) {
			t.Errorf("manifest %t: other bytes than those of the directory: %v", manifest, err)
		}
		texts, err := m.TextDir(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range textFiles {
			a, errA := os.ReadFile(filepath.Join(dir, name))
			b, errB := os.ReadFile(filepath.Join(texts, name))
			if errors.Is(errA, fs.ErrNotExist) != errors.Is(errB, fs.ErrNotExist) || !bytes.Equal(a, b) {
				t.Errorf("%s: %v, %v, or other bytes", name, errA, errB)
			}
		}
	}
}

func TestASecondProcessFetchesNothing(t *testing.T) {
	for _, manifest := range []bool{true, false} {
		dir, cache := modelDir(t, manifest), filepath.Join(t.TempDir(), "[models] *?")
		want, _ := local(t, dir)
		o := serve(t, dir, nil)
		for i := range 2 {
			m := at(t, o.URL, cacheIn(t, cache, 0), WebConfig{})
			got, err := loadAll(t.Context(), open(t, m))
			if err != nil || !same(got, want) {
				t.Fatalf("other bytes: %v", err)
			}
			if ranges := o.took(); (i == 0) != (len(ranges) > 0) {
				t.Errorf("process %d asked for %d ranges", i, len(ranges))
			}
		}
	}
}

func TestANodeFetchesItsExpertsOnly(t *testing.T) {
	dir := modelDir(t, true)
	o := serve(t, dir, nil)
	m := at(t, o.URL, cacheIn(t, t.TempDir(), 0), WebConfig{})
	c := open(t, m)
	before := m.Fetched()
	e, err := c.LoadExpert(t.Context(), moe.ExpertID{Layer: 1, Expert: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer e.Close()
	if got := m.Fetched() - before; got != c.ExpertBytes() {
		t.Errorf("fetched %d bytes for an expert of %d", got, c.ExpertBytes())
	}
}

func TestProcessesFetchATensorOnce(t *testing.T) {
	dir, cache := modelDir(t, true), t.TempDir()
	o := serve(t, dir, nil)
	var models []*Model
	var wait sync.WaitGroup
	for range 4 {
		m := at(t, o.URL, cacheIn(t, cache, 0), WebConfig{})
		c := open(t, m)
		models = append(models, m)
		wait.Go(func() {
			if _, err := loadAll(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	ranges := map[asked]int{}
	for _, a := range o.took() {
		a.from, a.encoding = "", ""
		if ranges[a]++; ranges[a] > 1 && a.end-a.at > 4096 {
			t.Errorf("bytes %d to %d came %d times", a.at, a.end, ranges[a])
		}
	}
	for _, m := range models {
		if m.Fetched() == 0 && m.Cached() == 0 {
			t.Error("a model without bytes")
		}
	}
}

func TestDamagedEntriesAreFetchedAgain(t *testing.T) {
	for _, manifest := range []bool{true, false} {
		dir, cache := modelDir(t, manifest), t.TempDir()
		want, _ := local(t, dir)
		o := serve(t, dir, nil)
		if _, err := loadAll(t.Context(), open(t, at(t, o.URL, cacheIn(t, cache, 0), WebConfig{}))); err != nil {
			t.Fatal(err)
		}
		damage := []func([]byte) []byte{
			func(b []byte) []byte { b[len(b)/2] ^= 1; return b },
			func(b []byte) []byte { return b[:len(b)-1] },
			func(b []byte) []byte { return append(b, 0) },
			func([]byte) []byte { return nil },
		}
		n := 0
		for _, d := range []string{tensorsDir, smallDir} {
			files, err := filepath.Glob(filepath.Join(cache, d, "*"))
			if err != nil || len(files) == 0 {
				t.Fatal(files, err)
			}
			for _, path := range files {
				raw, err := os.ReadFile(path)
				if err == nil {
					err = errors.Join(os.Remove(path), os.WriteFile(path, damage[n%len(damage)](raw), 0o600))
				}
				if n++; err != nil {
					t.Fatal(err)
				}
			}
		}
		for i := range 2 {
			o.took()
			got, err := loadAll(t.Context(), open(t, at(t, o.URL, cacheIn(t, cache, 0), WebConfig{})))
			if err != nil || !same(got, want) {
				t.Errorf("manifest %t: other bytes: %v", manifest, err)
			}
			if asked := len(o.took()); (asked > 0) != (i == 0) {
				t.Errorf("manifest %t: %d ranges after the damage, time %d", manifest, asked, i)
			}
		}
	}
}

func TestTheBudgetHolds(t *testing.T) {
	dir, cache := modelDir(t, true), t.TempDir()
	want, _ := local(t, dir)
	o := serve(t, dir, nil)
	const budget = 1 << 20 // the model is larger, a tensor is smaller
	c := cacheIn(t, cache, budget)
	for range 2 {
		got, err := loadAll(t.Context(), open(t, at(t, o.URL, c, WebConfig{})))
		if err != nil || !same(got, want) {
			t.Fatalf("other bytes: %v", err)
		}
		if _, total := c.list(); total > budget || total < budget/2 {
			t.Errorf("%d bytes in a cache of %d", total, budget)
		}
	}
	small := cacheIn(t, t.TempDir(), 1000) // no tensor of an expert fits
	got, err := loadAll(t.Context(), open(t, at(t, o.URL, small, WebConfig{})))
	if err != nil || !same(got, want) {
		t.Errorf("other bytes: %v", err)
	}
}

// TestAFullDiskStopsNothing fetches into a cache whose files are /dev/full.
func TestAFullDiskStopsNothing(t *testing.T) {
	dir, cache := modelDir(t, true), t.TempDir()
	want, digest := local(t, dir)
	o := serve(t, dir, nil)
	var log logtest.Log
	c := cacheLogging(t, cache, &log)
	checkpointOf := open(t, at(t, o.URL, c, WebConfig{}))
	var full []string
	for name, r := range tensors(t, dir) {
		path := filepath.Join(cache, partialDir, fmt.Sprintf("%s-%d", keyOf(digest+"/"+name), r[1]-r[0]))
		if err := os.Symlink("/dev/full", path); err != nil {
			t.Fatal(err)
		}
		full = append(full, path)
	}
	got, err := loadAll(t.Context(), checkpointOf)
	if err != nil || !same(got, want) {
		t.Fatalf("other bytes: %v", err)
	}
	if n := log.Count("weights cache cannot be written"); n != 1 || log.Count("no space left on device") != 1 {
		t.Errorf("%d lines say that the disk is full, want 1: %s", n, &log)
	}
	for _, path := range full {
		if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s is still there: %v", path, err)
		}
	}
	if _, err := loadAll(t.Context(), checkpointOf); err != nil {
		t.Fatal(err)
	}
	if log.Count("weights cache is written again") != 1 {
		t.Errorf("no line says that the disk has room: %s", &log)
	}
}

func TestDamageAtTheSourceIsAnError(t *testing.T) {
	dir := modelDir(t, true)
	o := serve(t, dir, func(o *origin, w http.ResponseWriter, r *http.Request, a asked) bool {
		if a.end-a.at < 8192 {
			return false // headers and samples
		}
		rec := &flipped{ResponseWriter: w}
		o.answer(rec, r, a)
		return true
	})
	_, err := loadAll(t.Context(), open(t, at(t, o.URL, cacheIn(t, t.TempDir(), 0), WebConfig{})))
	if KindOf(err) != Damaged || checkpoint.FaultOf(err) == "" {
		t.Errorf("%v, want an error of damage", err)
	}
}

// flipped changes the last bit of every write.
type flipped struct{ http.ResponseWriter }

func (f *flipped) Write(p []byte) (int, error) {
	q := bytes.Clone(p)
	q[len(q)-1] ^= 1
	return f.ResponseWriter.Write(q)
}
