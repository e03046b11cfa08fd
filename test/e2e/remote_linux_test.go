package e2e

import (
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/weights/source/s3/s3test"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// cutting serves a directory below its name and cuts some connections in the middle.
func cutting(t *testing.T, dir string) (url string) {
	t.Helper()
	files, n := http.StripPrefix("/"+filepath.Base(dir)+"/", http.FileServer(http.Dir(dir))), atomic.Int64{}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.Add(1)%7 == 0 {
			w = &cut{ResponseWriter: w, left: 10_000}
		}
		files.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL + "/" + filepath.Base(dir)
}

// cut ends a connection after some bytes.
type cut struct {
	http.ResponseWriter
	left int
}

func (c *cut) Write(p []byte) (int, error) {
	if c.left -= len(p); c.left < 0 {
		panic(http.ErrAbortHandler)
	}
	return c.ResponseWriter.Write(p)
}

// TestAModelAtAURLAnswersAsItsDirectory: with the same fingerprint and the same bits, from a
// server that cuts connections, and with a cache whose disk is full.
func TestAModelAtAURLAnswersAsItsDirectory(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	const tokens = 12
	here := hachi.Cluster(t, nil)
	want, print := harness.MustCompleteAll(t, here.URL(), tokens), here.View(t).Placement.Fingerprint()
	here.Close(t.Context())
	url, disk := cutting(t, hachi.Model), smallDisk(t, 4, -1) // the model has 20 MB
	for name, cache := range map[string]string{"a disk with room": t.TempDir(), "a full disk": disk} {
		logs := ""
		there := hachi.Cluster(t, func(c *local.UpConfig) {
			logs = filepath.Join(c.DataDir, "logs")
			c.Nodes, c.Model.Dir, c.Model.Source.WeightsCache = 2, url, cache
		})
		if got := there.View(t).Placement.Fingerprint(); got != print {
			t.Errorf("%s: fingerprint %s, of the directory %s", name, got, print)
		}
		harness.Compare(t, name, harness.MustCompleteAll(t, there.URL(), tokens), want)
		fetched := uint64(0)
		for _, n := range there.View(t).Nodes {
			fetched += n.GetFetchedBytes()
		}
		if fetched == 0 {
			t.Errorf("%s: no node says that it has fetched weights", name)
		}
		said := logsIn(t, logs)
		if full := strings.Contains(said, "weights cache cannot be written"); full != (cache == disk) {
			t.Errorf("%s: the logs say that the cache cannot be written: %t\n%s", name, full, said)
		}
		there.Close(t.Context())
	}
}

// logsIn are the logs of all processes.
func logsIn(t *testing.T, dir string) string {
	t.Helper()
	paths, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	return all.String()
}

// TestAModelInS3AnswersAsItsDirectory: with keys of a file, which no process shows.
func TestAModelInS3AnswersAsItsDirectory(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	const tokens, secret = 8, "s3cr3t+key/1"
	store := &s3test.Server{Access: "AKEXAMPLE", Secret: secret}
	entries, err := os.ReadDir(hachi.Model)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Base(hachi.Model)
	for _, e := range entries {
		data, err := os.ReadFile(filepath.Join(hachi.Model, e.Name()))
		if err != nil {
			t.Fatal(err)
		}
		store.Set("bucket/"+name+"/"+e.Name(), data)
	}
	server := httptest.NewServer(store)
	defer server.Close()
	keys := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(keys, []byte("[default]\naws_access_key_id=AKEXAMPLE\naws_secret_access_key="+secret+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	here := hachi.Cluster(t, nil)
	want := harness.MustCompleteAll(t, here.URL(), tokens)
	here.Close(t.Context())
	logs := ""
	there := hachi.Cluster(t, func(c *local.UpConfig) {
		logs = filepath.Join(c.DataDir, "logs")
		c.Nodes, c.LogLevel, c.Model.Dir = 2, "debug", "s3://bucket/"+name
		c.Model.Source.WeightsCache, c.Model.Source.Credentials, c.Model.Source.S3Endpoint = t.TempDir(), keys, server.URL
	})
	harness.Compare(t, "S3", harness.MustCompleteAll(t, there.URL(), tokens), want)
	there.Close(t.Context())
	if said := logsIn(t, logs); strings.Contains(said, secret) || !strings.Contains(said, "expert is in memory") {
		t.Errorf("the logs have the secret, or no line for an expert:\n%s", said)
	}
}

func TestInspectOfAURLSaysWhatItSaysOfADirectory(t *testing.T) {
	t.Parallel()
	url := cutting(t, hachi.Model)
	status, here := hachi.Run(t, "model", "inspect", hachi.Model)
	statusThere, there := hachi.Run(t, "model", "inspect", "--weights-cache", t.TempDir(), url)
	if status != 0 || statusThere != 0 {
		t.Fatalf("status %d and %d\n%s", status, statusThere, there)
	}
	digest := func(text string) string {
		_, after, _ := strings.Cut(text, "digest")
		line, _, _ := strings.Cut(after, "\n")
		return line
	}
	if digest(here) == "" || digest(here) != digest(there) {
		t.Errorf("digest%s of the directory, digest%s of the URL", digest(here), digest(there))
	}
	if status, said := hachi.Run(t, "model", "inspect", "--weights-cache", t.TempDir(), url+"/absent"); status != 78 || strings.Count(strings.TrimSpace(said), "\n") != 0 || !strings.Contains(said, "config.json") {
		t.Errorf("status %d of a URL without a model: %s", status, said)
	}
}
