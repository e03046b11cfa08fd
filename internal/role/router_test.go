package role

import (
	"errors"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestRouterThatCannotStartLeavesNothingOpen: a port that is taken is an error of
// its field, and the listener that was open already is closed.
func TestRouterThatCannotStartLeavesNothingOpen(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := testRouter(tinyCheckpoint(t))
	c.Listen, c.GRPC = free.Addr().String(), taken.Addr().String()
	free.Close()
	err = RunRouter(t.Context(), c)
	var field *FieldError
	if !errors.As(err, new(*ConfigError)) || !errors.As(err, &field) || field.Field != "grpc" {
		t.Errorf("error %v, want a ConfigError of the field grpc", err)
	}
	again, err := net.Listen("tcp", c.Listen)
	if err != nil {
		t.Fatalf("the HTTP listener was left open: %v", err)
	}
	again.Close()
}

// TestRouterChecksAttributesFirst: before the process listens or joins the
// gossip. The port that is taken would be the next error.
func TestRouterChecksAttributesFirst(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	c := testRouter(tinyCheckpoint(t))
	plain := []byte("{% for m in messages %}{{ m.content }}{% endfor %}")
	if err := os.WriteFile(filepath.Join(c.Dir, "chat_template.jinja"), plain, 0o600); err != nil {
		t.Fatal(err)
	}
	c.Listen, c.Serving.Attributes = taken.Addr().String(), []string{"quality=4"}
	if err := RunRouter(t.Context(), c); err == nil || !strings.Contains(err.Error(), "serving.attributes: the model's template does not read") {
		t.Errorf("error %v, want one of serving.attributes", err)
	}
}
