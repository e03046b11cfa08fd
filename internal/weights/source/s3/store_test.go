package s3_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/hachi-serve/hachi/internal/weights/source"
	"github.com/hachi-serve/hachi/internal/weights/source/s3"
	"github.com/hachi-serve/hachi/internal/weights/source/s3/s3test"
)

const (
	access  = "AKEXAMPLE"
	secret  = "s3cr3t/key+1"
	content = "0123456789abcdefghijklmnopqrstuvwxyz"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts an object store with an object models/m/f 1+é.
func serve(t *testing.T) (*s3test.Server, *httptest.Server) {
	t.Helper()
	for _, name := range []string{"AWS_PROFILE", "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL", "AWS_REGION", "http_proxy"} {
		t.Setenv(name, "")
	}
	s := &s3test.Server{Access: access, Secret: secret}
	s.Set("models/m/"+file, []byte(content))
	web := httptest.NewServer(s)
	t.Cleanup(web.Close)
	return s, web
}

const file = "f 1+é"

// keys writes a shared credentials file.
func keys(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "credentials")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

const right = "[default]\naws_access_key_id = " + access + "\naws_secret_access_key = " + secret + "\n"

func open(t *testing.T, endpoint, credentials string) *s3.Store {
	t.Helper()
	l, err := source.Parse("s3://models/m/")
	if err != nil {
		t.Fatal(err)
	}
	transport := source.NewTransport()
	t.Cleanup(transport.CloseIdleConnections)
	s, err := s3.New(l, s3.Config{Endpoint: endpoint, Credentials: credentials, Transport: transport})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestRangesOfAnObject(t *testing.T) {
	_, web := serve(t)
	s := open(t, web.URL, keys(t, right))
	info, err := s.Stat(t.Context(), file)
	if err != nil || info.Size != int64(len(content)) || info.Version == "" {
		t.Fatalf("%v, %v", info, err)
	}
	for _, r := range [][2]int64{{0, 36}, {0, 1}, {35, 1}, {10, 20}} {
		body, err := s.Open(t.Context(), file, info, r[0], r[1])
		if err != nil {
			t.Fatal(err)
		}
		got, err := io.ReadAll(body)
		body.Close()
		if want := content[r[0] : r[0]+r[1]]; err != nil || string(got) != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	if _, err := s.Stat(t.Context(), "absent"); source.KindOf(err) != source.Absent {
		t.Errorf("%v of an absent object", err)
	}
	info.Version = "another"
	if _, err := s.Open(t.Context(), file, info, 1, 2); source.KindOf(err) != source.Changed {
		t.Errorf("%v of another version", err)
	}
}

func TestCredentialsAreOfAFileOrOfTheEnvironment(t *testing.T) {
	_, web := serve(t)
	kind := func(credentials string) source.Kind {
		_, err := open(t, web.URL, credentials).Stat(t.Context(), file)
		if err != nil && strings.Contains(err.Error(), secret) {
			t.Errorf("the error has the secret: %v", err)
		}
		return source.KindOf(err)
	}
	if got := kind(""); got != source.Denied {
		t.Errorf("%q without credentials", got)
	}
	wrong := keys(t, strings.Replace(right, secret, "other", 1))
	if got := kind(wrong); got != source.Denied {
		t.Errorf("%q with a wrong secret", got)
	}
	s := open(t, web.URL, wrong)
	if err := os.WriteFile(wrong, []byte(right), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.Stat(t.Context(), file); err != nil {
		t.Errorf("%v after the file was replaced", err)
	}
	t.Setenv("AWS_ACCESS_KEY_ID", access)
	t.Setenv("AWS_SECRET_ACCESS_KEY", secret)
	if got := kind(""); got != "" {
		t.Errorf("%q by the environment", got)
	}
	t.Setenv("AWS_PROFILE", "two")
	if got := kind(keys(t, strings.Replace(right, "default", "two", 1))); got != "" {
		t.Errorf("%q by another profile", got)
	}
}

func TestCredentialsThatCannotBeReadAreNotRepeated(t *testing.T) {
	l, err := source.Parse("s3://models/m")
	if err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(t.TempDir(), "ran")
	for _, text := range []string{"", secret, "[default\n" + secret, "[other]\naws_secret_access_key=" + secret, "[default]\naws_secret_access_key=" + secret,
		"[default]\ncredential_process = touch " + program} {
		if _, err := s3.New(l, s3.Config{Credentials: keys(t, text)}); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%v of %q", err, text)
		}
	}
	if _, err := os.Stat(program); err == nil {
		t.Error("the file has run a program")
	}
	for _, endpoint := range []string{"https://user:" + secret + "@host", "https://host?k=" + secret, "ftp://host", "host", "https://host/path"} {
		if _, err := s3.New(l, s3.Config{Endpoint: endpoint}); err == nil || strings.Contains(err.Error(), secret) {
			t.Errorf("%v of the endpoint %q", err, endpoint)
		}
	}
}

func TestWrongAnswersOfAStore(t *testing.T) {
	redirected := 0
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { redirected++ }))
	defer elsewhere.Close()
	ranged := func(w http.ResponseWriter, text, body string) {
		w.Header().Set("ETag", `"v"`)
		w.Header().Set("Last-Modified", "Thu, 01 Jan 1970 00:00:01 GMT")
		w.Header().Set("Content-Range", text)
		w.WriteHeader(http.StatusPartialContent)
		fmt.Fprint(w, body)
	}
	for name, tt := range map[string]struct {
		answer func(w http.ResponseWriter, r *http.Request)
		want   source.Kind
	}{
		"another range":   {func(w http.ResponseWriter, _ *http.Request) { ranged(w, "bytes 0-4/36", "01234") }, source.Malformed},
		"a shorter range": {func(w http.ResponseWriter, _ *http.Request) { ranged(w, "bytes 10-14/36", "012") }, source.Malformed},
		"another size":    {func(w http.ResponseWriter, _ *http.Request) { ranged(w, "bytes 10-14/37", "01234") }, source.Malformed},
		"no range": {func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("ETag", `"v"`)
			w.Header().Set("Last-Modified", "Thu, 01 Jan 1970 00:00:01 GMT")
			fmt.Fprint(w, content)
		}, source.Malformed},
		"busy":       {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusServiceUnavailable) }, source.Unavailable},
		"a redirect": {func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, elsewhere.URL, http.StatusFound) }, source.Malformed},
		"changed":    {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusPreconditionFailed) }, source.Changed},
	} {
		s, web := serve(t)
		s.Fault = func(w http.ResponseWriter, r *http.Request) bool { tt.answer(w, r); return true }
		_, err := open(t, web.URL, keys(t, right)).Open(t.Context(), file, source.Info{Size: 36, Version: "v"}, 10, 5)
		if source.KindOf(err) != tt.want {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
	}
	if redirected > 0 {
		t.Errorf("%d requests followed a redirect", redirected)
	}
}

func TestPutWritesOnce(t *testing.T) {
	s, web := serve(t)
	store, data := open(t, web.URL, keys(t, right)), []byte("weights")
	sum := sha256.Sum256(data)
	text := hex.EncodeToString(sum[:])
	if has, err := store.Has(t.Context(), "new", text, int64(len(data))); has || err != nil {
		t.Errorf("%t, %v before", has, err)
	}
	if err := store.Put(t.Context(), "new", text, int64(len(data)), bytes.NewReader(data)); err != nil {
		t.Fatal(err)
	}
	if has, err := store.Has(t.Context(), "new", text, int64(len(data))); !has || err != nil {
		t.Errorf("%t, %v after", has, err)
	}
	if err := store.Put(t.Context(), "damaged", text, int64(len(data)), strings.NewReader("weightz")); source.KindOf(err) != source.Denied {
		t.Errorf("%v of bytes with another hash", err)
	}
	if s.Puts() != 1 {
		t.Errorf("%d objects were written", s.Puts())
	}
}
