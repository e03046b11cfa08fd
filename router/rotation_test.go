package router

import (
	"bufio"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"go.yaml.in/yaml/v3"

	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/router/engine"
)

// TestKeysAreRotatedUnderStreams: while 32 streams run, the file gets the new key
// beside the old one, and then without it. Every stream ends as it would have, the old
// key is refused from then on, and nothing counts as running any more.
func TestKeysAreRotatedUnderStreams(t *testing.T) {
	path := filepath.Join(t.TempDir(), "keys.yaml")
	write := func(hashes ...keys.Hash) {
		t.Helper()
		raw, err := yaml.Marshal([]keys.Entry{{Name: "a", SHA256: hashes, Limits: keys.Limits{Concurrency: 40}}})
		if err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(keys.HashOf("OLD"))
	file, err := keys.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	b := start(t, func(c *Config) { c.API.Gate = &keys.Gate{Clients: file.Guard} })
	b.holding("Half")
	c := client(t)
	ask := func(key string) (*http.Response, error) {
		r, err := http.NewRequestWithContext(t.Context(), http.MethodPost, b.url+"/v1/completions", strings.NewReader(`{"prompt":"x","stream":true}`))
		if err != nil {
			return nil, err
		}
		r.Header.Set("Authorization", "Bearer "+key)
		return c.Do(r)
	}
	const streams = 32
	var all sync.WaitGroup
	begun, texts := make(chan error, streams), make(chan string, streams)
	for range streams {
		all.Go(func() {
			response, err := ask("OLD")
			if err == nil && response.StatusCode != http.StatusOK {
				err = fmt.Errorf("status %d", response.StatusCode)
			}
			if begun <- err; err != nil {
				return
			}
			defer response.Body.Close()
			var text strings.Builder
			for lines := bufio.NewScanner(response.Body); lines.Scan(); {
				if line := lines.Text(); strings.HasPrefix(line, "data: ") {
					text.WriteString(shown(line))
				}
			}
			texts <- text.String()
		})
	}
	for range streams {
		if err := <-begun; err != nil {
			t.Fatal(err)
		}
	}
	for _, hashes := range [][]keys.Hash{{keys.HashOf("OLD"), keys.HashOf("NEW")}, {keys.HashOf("NEW")}} {
		write(hashes...)
		if err := file.Reload(); err != nil {
			t.Fatal(err)
		}
		response, err := ask("OLD")
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if want := map[int]int{2: http.StatusOK, 1: http.StatusUnauthorized}[len(hashes)]; response.StatusCode != want {
			t.Errorf("with %d keys the old one gets %d", len(hashes), response.StatusCode)
		}
	}
	for _, call := range b.engine.Calls() {
		call.End(engine.Event{Finish: engine.Stop})
	}
	all.Wait()
	close(texts)
	for text := range texts {
		if text != " Half;[DONE]" {
			t.Errorf("a stream ends with %q", text)
		}
	}
	eventually.True(t, "no request of the key runs", func() bool { return file.Usage()[1].Running == 0 })
}

// shown is the text of an event, and a mark for its end.
func shown(line string) string {
	if strings.HasSuffix(line, "[DONE]") {
		return ";[DONE]"
	}
	_, text, _ := strings.Cut(line, `"text":"`)
	text, _, _ = strings.Cut(text, `"`)
	return text
}
