package e2e

import (
	"errors"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"

	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/local"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// newKey makes the API key of a client, and its entry for the file of keys.
func newKey(t *testing.T, name string) (key, entry string) {
	t.Helper()
	status, output := hachi.Run(t, "keys", "new", name)
	parts := regexp.MustCompile(`(?s)\n  (\S+)\nthe entry for the file of keys:\n(.*)`).FindStringSubmatch(output)
	if status != 0 || parts == nil {
		t.Fatalf("keys new: %d, %s", status, output)
	}
	return parts[1], parts[2]
}

// writeKeys replaces a file of keys.
func writeKeys(t *testing.T, path string, entries ...string) {
	t.Helper()
	text := ""
	for _, entry := range entries {
		text += entry
	}
	if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		t.Fatal(err)
	}
}

// TestOnlyKeysOfTheFileAreServed: a whole cluster of `hachi up` asks for keys over
// HTTP and gRPC. A key that is taken from the file is refused, and the stream that
// it began goes on.
func TestOnlyKeysOfTheFileAreServed(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys.yaml")
	alice, aliceEntry := newKey(t, "alice")
	bob, bobEntry := newKey(t, "bob")
	writeKeys(t, path, aliceEntry, bobEntry)
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.Nodes, c.Security.APIKeys = 1, path })
	router := cluster.View(t).Routers[0]
	conn, err := cluster.View(t).DialRouter(router)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	generator := hachiv1.NewInferenceServiceClient(conn)
	ask := func(key string) (overHTTP int, overGRPC codes.Code) {
		t.Helper()
		_, err := harness.Caller{URL: cluster.URL(), Key: func() string { return key }}.Stream(t.Context(), "a", 0, 1)
		var refused harness.Refused
		if err != nil && !errors.As(err, &refused) {
			t.Fatal(err)
		}
		ctx := metadata.AppendToOutgoingContext(t.Context(), "authorization", "Bearer "+key)
		stream, err := generator.Generate(ctx, &hachiv1.GenerateRequest{Prompt: &hachiv1.GenerateRequest_Text{Text: "a"}, MaxTokens: 1})
		for err == nil {
			_, err = stream.Recv()
		}
		if errors.Is(err, io.EOF) {
			err = nil
		}
		return int(refused), status.Code(err)
	}
	expect := func(what, key string, allowed bool) {
		t.Helper()
		overHTTP, overGRPC := ask(key)
		if allowed && (overHTTP != 0 || overGRPC != codes.OK) || !allowed && (overHTTP != http.StatusUnauthorized || overGRPC != codes.Unauthenticated) {
			t.Errorf("%s: HTTP %d, gRPC %v, allowed %t", what, overHTTP, overGRPC, allowed)
		}
	}
	expect("no key", "", false)
	expect("a key that is in no file", alice[:len(alice)-1]+"x", false)
	expect("a key", alice, true)
	expect("another key", bob, true)
	long := make(chan error, 1)
	go func() {
		_, err := harness.Caller{URL: cluster.URL(), Key: func() string { return alice }}.Stream(t.Context(), "a", 0, 1500)
		long <- err
	}()
	writeKeys(t, path, bobEntry)
	eventually.True(t, "the revoked key is refused", func() bool { overHTTP, _ := ask(alice); return overHTTP != 0 })
	expect("the revoked key", alice, false)
	expect("the key that is left", bob, true)
	if err := <-long; err != nil {
		t.Errorf("the stream of the key that was revoked: %v", err)
	}
}
