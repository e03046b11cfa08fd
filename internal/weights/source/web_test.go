package source

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

const (
	secret  = "s3cr3t"
	content = "0123456789abcdefghijklmnopqrstuvwxyz"
)

// TestServersThatMisbehave reads bytes 10 to 29 of a file from servers, each of which
// answers wrongly in its way. Their number of wrong answers is bounded by bad.
func TestServersThatMisbehave(t *testing.T) {
	const always = 1 << 30
	part := func(w http.ResponseWriter, contentRange string) {
		w.Header().Set("Content-Range", contentRange)
		w.WriteHeader(http.StatusPartialContent)
	}
	tests := []struct {
		name   string
		bad    int64
		answer func(w http.ResponseWriter, r *http.Request, a asked)
		want   Kind // "" reads the right bytes
	}{
		{"a connection that is cut in the middle", 7, func(w http.ResponseWriter, r *http.Request, a asked) {
			w.Header().Set("Content-Length", fmt.Sprint(a.end-a.at))
			part(w, fmt.Sprintf("bytes %d-%d/%d", a.at, a.end-1, len(content)))
			fmt.Fprint(w, content[a.at:a.at+2])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, ""},
		{"a connection that is cut at once", 3, func(http.ResponseWriter, *http.Request, asked) { panic(http.ErrAbortHandler) }, ""},
		{"a connection that is always cut at once", always, func(http.ResponseWriter, *http.Request, asked) { panic(http.ErrAbortHandler) }, Unavailable},
		{"a body without a length that ends early", 3, func(w http.ResponseWriter, r *http.Request, a asked) {
			part(w, fmt.Sprintf("bytes %d-%d/%d", a.at, a.end-1, len(content)))
			fmt.Fprint(w, content[a.at:a.at+1])
			w.(http.Flusher).Flush()
		}, ""},
		{"a busy server", 3, func(w http.ResponseWriter, _ *http.Request, _ asked) { w.WriteHeader(http.StatusTooManyRequests) }, ""},
		{"a server that is always busy", always, func(w http.ResponseWriter, _ *http.Request, _ asked) { w.WriteHeader(http.StatusServiceUnavailable) }, Unavailable},
		{"silence", 3, func(_ http.ResponseWriter, r *http.Request, _ asked) { <-r.Context().Done() }, ""},
		{"silence in the middle", 3, func(w http.ResponseWriter, r *http.Request, a asked) {
			part(w, fmt.Sprintf("bytes %d-%d/%d", a.at, a.end-1, len(content)))
			fmt.Fprint(w, content[a.at:a.at+1])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, ""},
		{"no ranges", always, func(w http.ResponseWriter, _ *http.Request, _ asked) { fmt.Fprint(w, content) }, Refused},
		{"another range", always, func(w http.ResponseWriter, _ *http.Request, _ asked) {
			part(w, fmt.Sprintf("bytes 0-19/%d", len(content)))
			fmt.Fprint(w, content[:20])
		}, Malformed},
		{"a shorter range", always, func(w http.ResponseWriter, _ *http.Request, _ asked) {
			part(w, fmt.Sprintf("bytes 10-15/%d", len(content)))
			fmt.Fprint(w, content[10:16])
		}, Malformed},
		{"a range without an end", always, func(w http.ResponseWriter, _ *http.Request, _ asked) { part(w, "bytes 10-/36") }, Malformed},
		{"no Content-Range", always, func(w http.ResponseWriter, _ *http.Request, _ asked) { w.WriteHeader(http.StatusPartialContent) }, Malformed},
		{"another length", always, func(w http.ResponseWriter, r *http.Request, a asked) {
			w.Header().Set("Content-Length", "26")
			part(w, fmt.Sprintf("bytes %d-%d/%d", a.at, a.end-1, len(content)))
			fmt.Fprint(w, content[10:])
		}, Malformed},
		{"another size", always, func(w http.ResponseWriter, r *http.Request, a asked) {
			part(w, fmt.Sprintf("bytes %d-%d/%d", a.at, a.end-1, len(content)+1))
			fmt.Fprint(w, content[a.at:a.end])
		}, Changed},
		{"another version", always, func(w http.ResponseWriter, r *http.Request, a asked) {
			w.Header().Set("ETag", `"2"`)
			part(w, fmt.Sprintf("bytes %d-%d/%d", a.at, a.end-1, len(content)))
			fmt.Fprint(w, strings.ToUpper(content[a.at:a.end]))
		}, Changed},
		{"another version after a cut", 2, func(w http.ResponseWriter, r *http.Request, a asked) {
			if a.at > 10 {
				w.Header().Set("ETag", `"2"`)
			}
			w.Header().Set("Content-Length", fmt.Sprint(a.end-a.at))
			part(w, fmt.Sprintf("bytes %d-%d/%d", a.at, a.end-1, len(content)))
			fmt.Fprint(w, content[a.at:a.at+2])
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}, Changed},
		{"compression", always, func(w http.ResponseWriter, r *http.Request, a asked) {
			w.Header().Set("Content-Encoding", "gzip")
			part(w, fmt.Sprintf("bytes %d-%d/%d", a.at, a.end-1, len(content)))
		}, Malformed},
		{"no file any more", always, func(w http.ResponseWriter, r *http.Request, _ asked) { http.NotFound(w, r) }, Absent},
		{"no access any more", always, func(w http.ResponseWriter, _ *http.Request, _ asked) { w.WriteHeader(http.StatusForbidden) }, Denied},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if err := os.WriteFile(filepath.Join(dir, "f"), []byte(content), 0o600); err != nil {
				t.Fatal(err)
			}
			var answered atomic.Int64
			o := serve(t, dir, func(o *origin, w http.ResponseWriter, r *http.Request, a asked) bool {
				w.Header().Set("ETag", `"1"`)
				if a.end == 1 || answered.Add(1) > tt.bad {
					part(w, fmt.Sprintf("bytes %d-%d/%d", a.at, a.end-1, len(content)))
					fmt.Fprint(w, content[a.at:a.end])
				} else {
					tt.answer(w, r, a)
				}
				return true
			})
			m := at(t, o.URL, cacheIn(t, t.TempDir(), 0), WebConfig{})
			m.reader.stall = 50 * time.Millisecond
			dst := make([]byte, 20)
			err := m.ReadAt(t.Context(), "f", dst, 10)
			if KindOf(err) != tt.want {
				t.Errorf("%v, want the kind %q", err, tt.want)
			}
			if err == nil && string(dst) != content[10:30] {
				t.Errorf("read %q", dst)
			}
		})
	}
}

func TestReadsEndWithTheirContext(t *testing.T) {
	o := serve(t, t.TempDir(), func(_ *origin, w http.ResponseWriter, r *http.Request, _ asked) bool {
		w.WriteHeader(http.StatusServiceUnavailable)
		return true
	})
	m := at(t, o.URL, cacheIn(t, t.TempDir(), 0), WebConfig{})
	m.reader.wait = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(20*time.Millisecond, cancel)
	if _, err := m.Size(ctx, "f"); !errors.Is(err, context.Canceled) {
		t.Errorf("%v, want the end of the context", err)
	}
}

// nothing is a source that cannot be reached.
type nothing struct {
	Files
	tries int
}

func (n *nothing) String() string { return "nowhere" }

func (n *nothing) Stat(context.Context, string) (Info, error) {
	n.tries++
	return Info{}, &Error{"nowhere", "f", Unavailable, errors.New("no route")}
}

func TestTriesAreBoundedAndWaitLongerEachTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		n := &nothing{}
		start := time.Now()
		_, err := newReader(n, func(int) {}).stat(t.Context(), "f")
		if KindOf(err) != Unavailable || n.tries != maxTries {
			t.Errorf("%d tries, %v", n.tries, err)
		}
		if took := time.Since(start); took < 3*time.Second || took > lastWait*maxTries {
			t.Errorf("%v for all tries", took)
		}
	})
}

func TestRedirectsLeadOnlyWhereTheyMay(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "f"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	inside := serve(t, dir, nil) // what only this machine may reach
	u, err := url.Parse(inside.URL)
	if err != nil {
		t.Fatal(err)
	}
	o := serve(t, dir, func(_ *origin, w http.ResponseWriter, r *http.Request, _ asked) bool {
		http.Redirect(w, r, inside.URL+"/f?sig="+secret, http.StatusFound)
		return true
	})
	_, err = at(t, o.URL, cacheIn(t, t.TempDir(), 0), WebConfig{Token: secret}).Size(t.Context(), "f")
	if KindOf(err) != Refused || len(inside.requests) > 0 || strings.Contains(err.Error(), secret) {
		t.Errorf("%v, %d requests at the other host", err, len(inside.requests))
	}
	m := at(t, o.URL, cacheIn(t, t.TempDir(), 0), WebConfig{Token: secret, RedirectHosts: []string{u.Host}})
	dst := make([]byte, 5)
	if err := m.ReadAt(t.Context(), "f", dst, 3); err != nil || string(dst) != content[3:8] {
		t.Errorf("%q, %v by a redirect that is allowed", dst, err)
	}
	for _, a := range inside.requests {
		if a.token != "" {
			t.Errorf("the other host got the credentials %q", a.token)
		}
	}
	for _, a := range o.requests {
		if a.token != "Bearer "+secret {
			t.Errorf("the host of the model got the credentials %q", a.token)
		}
	}
	loop := serve(t, dir, func(_ *origin, w http.ResponseWriter, r *http.Request, _ asked) bool {
		http.Redirect(w, r, r.URL.Path, http.StatusFound)
		return true
	})
	if _, err := at(t, loop.URL, cacheIn(t, t.TempDir(), 0), WebConfig{}).Size(t.Context(), "f"); KindOf(err) != Refused {
		t.Errorf("%v for redirects without end", err)
	}
}

func TestCertificatesAreVerified(t *testing.T) {
	server := httptest.NewTLSServer(http.NotFoundHandler())
	defer server.Close()
	plain := serve(t, t.TempDir(), nil)
	_, err := at(t, server.URL, cacheIn(t, t.TempDir(), 0), WebConfig{}).Size(t.Context(), "f")
	if KindOf(err) != Refused || !isCertificate(err) {
		t.Errorf("%v of a server with an unknown certificate", err)
	}
	down := httptest.NewTLSServer(http.RedirectHandler(plain.URL+"/f", http.StatusFound))
	defer down.Close()
	u, err := url.Parse(plain.URL)
	if err != nil {
		t.Fatal(err)
	}
	_, err = at(t, down.URL, cacheIn(t, t.TempDir(), 0), WebConfig{Transport: down.Client().Transport, RedirectHosts: []string{u.Host}}).Size(t.Context(), "f")
	if KindOf(err) != Refused || len(plain.requests) > 0 {
		t.Errorf("%v of a redirect from TLS to plaintext", err)
	}
}

func TestSizesOfTheNetworkAreBounded(t *testing.T) {
	o := serve(t, t.TempDir(), func(_ *origin, w http.ResponseWriter, _ *http.Request, a asked) bool {
		w.Header().Set("Content-Range", "bytes 0-0/4611686018427387903")
		w.WriteHeader(http.StatusPartialContent)
		fmt.Fprint(w, "x")
		return true
	})
	m := at(t, o.URL, cacheIn(t, t.TempDir(), 0), WebConfig{})
	if _, err := m.Small(t.Context(), "config.json", 1<<20); KindOf(err) != Malformed {
		t.Errorf("%v of a file of 4 EiB", err)
	}
}

func TestLocationsWithCredentialsAreRefused(t *testing.T) {
	for _, text := range []string{
		"https://user:" + secret + "@host/m", "https://" + secret + "@host/m", "https://host/m?sig=" + secret, "s3://key:" + secret + "@bucket/m",
		"https://host/m#" + secret, "https://host:" + secret + "/m", "https://%zz" + secret,
	} {
		if _, err := Parse(text); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%v of %s", err, text)
		}
	}
	if _, err := NewWeb(Location{Scheme: Web, URL: &url.URL{Scheme: "http", Host: "example.com", Path: "/"}}, WebConfig{Token: secret}); KindOf(err) != Refused {
		t.Errorf("%v of credentials in plaintext", err)
	}
}

func TestLocations(t *testing.T) {
	for text, want := range map[string]string{
		"dir/model": "dir/model", "/a/b": "/a/b", "http://h:8/a/b/": "http://h:8/a/b/", "https://h/a": "https://h/a/",
		"s3://bucket/a/b/": "s3://bucket/a/b", "s3://bucket": "s3://bucket", "oci:dir": "oci:dir", "oci:/a/b:v1": "oci:/a/b:v1", "oci:a:b/c": "oci:a:b/c",
	} {
		if l, err := Parse(text); err != nil || l.String() != want {
			t.Errorf("%s: %v, %v", text, l, err)
		}
	}
	for _, text := range []string{"ftp://h/a", "https:///a", "oci:", "s3:///a"} {
		if l, err := Parse(text); err == nil {
			t.Errorf("%s: %v, want an error", text, l)
		}
	}
}

func FuzzParseContentRange(f *testing.F) {
	f.Add("bytes 0-0/1")
	f.Add("bytes 3-2/1")
	f.Fuzz(func(t *testing.T, text string) {
		if first, last, size, ok := parseContentRange(text); ok && (first < 0 || first > last || last >= size) {
			t.Errorf("%d-%d/%d of %q", first, last, size, text)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("s3://a/b")
	f.Add("oci:a:b")
	f.Fuzz(func(t *testing.T, text string) {
		l, err := Parse(text)
		if err != nil {
			return
		}
		again, err := Parse(l.String())
		if err != nil || again.String() != l.String() {
			t.Errorf("%q is %q and then %q: %v", text, l, again, err)
		}
	})
}

// FuzzSmall reads entries of headers as a crash or a hostile disk may leave them.
func FuzzSmall(f *testing.F) {
	f.Add([]byte("x"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c := cacheIn(t, t.TempDir(), 0)
		if err := os.WriteFile(filepath.Join(c.dir, smallDir, "k"), raw, 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := c.small("k", func() ([]byte, error) { return []byte("made"), nil })
		if err != nil || !bytes.Equal(got, []byte("made")) && len(raw) < 32 {
			t.Errorf("%q, %v of %q", got, err, raw)
		}
	})
}
