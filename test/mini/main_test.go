//go:build !nomini

package mini

import (
	"context"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hachi-serve/hachi"
	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/weights/mini"
)

// server is another cluster to judge than the one that the tests start.
var server = flag.String("url", "", "URL of a running server whose answers are judged; of a cluster in this process when empty")

var (
	// cluster serves hachi-mini to all tests; nil with a server.
	cluster *hachi.Cluster
	// asked is who answers.
	asked *client.Client
)

func TestMain(m *testing.M) {
	flag.Parse()
	var code int
	var err error
	if *server != "" {
		asked = &client.Client{URL: *server}
		code = m.Run()
	} else if code, err = serve(m); err == nil {
		err = goleak.Find()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// serve runs the tests while a cluster serves the model.
func serve(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "hachi-mini")
	if err != nil {
		return 1, err
	}
	defer os.RemoveAll(dir)
	cfg := hachi.DefaultConfig()
	cfg.Model, cfg.KVCacheBytes = filepath.Join(dir, mini.Name), 64<<20
	if err := mini.Write(cfg.Model); err != nil {
		return 1, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	if cluster, err = hachi.Start(ctx, cfg); err != nil {
		return 1, err
	}
	asked = cluster.Client()
	code = m.Run()
	return code, cluster.Close()
}

// conversation is a conversation that waits for an answer.
type conversation struct {
	System string `json:"system"`
	// Turns are those of the user and the assistant in turns; the user has the
	// first and the last.
	Turns      []string       `json:"turns"`
	Attributes map[string]int `json:"attributes"` // of every turn of the user
}

// last is what the user said last.
func (c conversation) last() string { return c.Turns[len(c.Turns)-1] }

// messages are the turns as a client sends them.
func (c conversation) messages() []client.Message {
	var out []client.Message
	if c.System != "" {
		out = append(out, client.Message{Role: "system", Content: c.System})
	}
	for i, turn := range c.Turns {
		out = append(out, client.Message{Role: []string{"user", "assistant"}[i%2], Content: turn})
	}
	return out
}

// answers are those that were asked for before.
var answers = map[string]client.Choice{}

// answer is the greedy answer to a conversation.
func answer(t *testing.T, c conversation) client.Choice {
	t.Helper()
	key := fmt.Sprint(c)
	if known, ok := answers[key]; ok {
		return known
	}
	a, err := asked.Chat(t.Context(), client.ChatRequest{
		Messages: c.messages(), Attributes: c.Attributes, Params: client.Params{MaxTokens: 400, Extra: map[string]any{"temperature": 0}},
	})
	if err != nil {
		t.Fatal(err)
	}
	answers[key] = a.Choices[0]
	return answers[key]
}
