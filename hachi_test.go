package hachi_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/hachi-serve/hachi"
	"github.com/hachi-serve/hachi/client"
	"github.com/hachi-serve/hachi/internal/weights/preset"
)

// tiny is a checkpoint with random weights that all tests read.
var tiny string

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "hachi")
	if err != nil {
		panic(err)
	}
	tiny = filepath.Join(dir, "tiny")
	if err := preset.Write(tiny, "tiny", 1, nil); err != nil {
		panic(err)
	}
	code := m.Run()
	os.RemoveAll(dir)
	if err := goleak.Find(); err != nil && code == 0 {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

// config is a cluster of the tiny model.
func config() hachi.Config {
	cfg := hachi.DefaultConfig()
	cfg.Model, cfg.Threads, cfg.KVCacheBytes = tiny, 1, 64<<20
	return cfg
}

// start runs a cluster until the test ends.
func start(t *testing.T, change func(*hachi.Config)) *hachi.Cluster {
	t.Helper()
	cfg := config()
	change(&cfg)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c, err := hachi.Start(ctx, cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := c.Close(); err != nil {
			t.Error(err)
		}
	})
	return c
}

// answer is a completion with everything that must not depend on placement.
func answer(t *testing.T, c *client.Client, prompt string, seed uint64) []client.Choice {
	t.Helper()
	a, err := c.Complete(t.Context(), client.CompletionRequest{
		Prompt: prompt, Params: client.Params{MaxTokens: 12, Temperature: 0.8 * float64(seed%2), Seed: &seed, Logprobs: new(5)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return a.Choices
}

func answers(t *testing.T, c *client.Client) (all [][]client.Choice) {
	t.Helper()
	for i, prompt := range []string{"One two three", "日本の首都は", strings.Repeat("a long prompt ", 40)} {
		all = append(all, answer(t, c, prompt, uint64(i)))
	}
	return all
}

// TestKilledNodeChangesNoAnswer starts a cluster in this process, kills a node
// in the middle of a stream, and stops the cluster.
func TestKilledNodeChangesNoAnswer(t *testing.T) {
	c := start(t, func(c *hachi.Config) { c.Replicas = 2 })
	want := answers(t, c.Client())
	chat := client.ChatRequest{Messages: []client.Message{{Role: "user", Content: "hello"}}, Params: client.Params{MaxTokens: 24, IgnoreEOS: true}}
	whole, err := c.Client().Chat(t.Context(), chat)
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for chunk, err := range c.Client().Stream(t.Context(), chat) {
		if err != nil {
			t.Fatal(err)
		}
		if text == "" {
			if err := c.Kill("expert-1"); err != nil {
				t.Fatal(err)
			}
		}
		text += chunk.Text
	}
	if text != whole.Text() {
		t.Errorf("with a node killed the answer is %q, want %q", text, whole.Text())
	}
	if got := answers(t, c.Client()); !reflect.DeepEqual(got, want) {
		t.Errorf("after the kill the answers are %+v, want %+v", got, want)
	}
	if got, want := c.Nodes(), []string{"expert-0", "expert-2"}; !reflect.DeepEqual(got, want) {
		t.Errorf("nodes %v, want %v", got, want)
	}
	if err := c.Kill("expert-1"); err == nil {
		t.Error("a dead node was killed")
	}
}

// TestKilledNodeChangesNoToolCall that the client reads, whole or streamed.
func TestKilledNodeChangesNoToolCall(t *testing.T) {
	c := start(t, func(c *hachi.Config) { c.Replicas = 2 })
	chat := client.ChatRequest{
		Messages: []client.Message{{Role: "user", Content: "Weather?"}}, SingleToolCall: true, RequiredTool: "weather",
		Tools: []client.Tool{{Name: "weather", Parameters: json.RawMessage(
			`{"type":"object","properties":{"city":{"enum":["京都","大阪"]},"days":{"type":"array","items":{"type":"integer"},"maxItems":3}},"required":["city","days"]}`,
		)}},
		Params: client.Params{MaxTokens: 120, Seed: new(uint64(7)), Temperature: 0.75},
	}
	whole, err := c.Client().Chat(t.Context(), chat)
	if err != nil {
		t.Fatal(err)
	}
	var got client.Message
	for chunk, err := range c.Client().Stream(t.Context(), chat) {
		if err != nil {
			t.Fatal(err)
		}
		if got.ToolCalls == nil && chunk.ToolCalls != nil {
			if err := c.Kill("expert-1"); err != nil {
				t.Fatal(err)
			}
		}
		got.Add(chunk)
	}
	want := whole.Choices[0]
	if len(want.ToolCalls) != 1 || want.ToolCalls[0].Name != "weather" || want.ToolCalls[0].ID == "" || want.Finish != "tool_calls" {
		t.Errorf("the answer is %+v", want)
	}
	if !reflect.DeepEqual(got, want.Message()) {
		t.Errorf("with a node killed in the middle of a call %+v, want %+v", got, want.Message())
	}
}

func TestDrainedNodeHoldsNothing(t *testing.T) {
	c := start(t, func(c *hachi.Config) { c.Policy = hachi.Balanced })
	before := answers(t, c.Client())
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := c.Drain(ctx, "expert-0"); err != nil {
		t.Fatal(err)
	}
	s, err := c.Status(ctx)
	if err != nil {
		t.Fatal(err)
	}
	if n := s.Nodes[0]; s.Leader != "coordinator-0" || n.Node != "expert-0" || n.State != "draining" || n.Resident != 0 || n.Serving != 0 {
		t.Errorf("after the drain: leader %q, node %+v", s.Leader, n)
	}
	if err := c.Kill("expert-0"); err != nil {
		t.Fatal(err)
	}
	if got := answers(t, c.Client()); !reflect.DeepEqual(got, before) {
		t.Errorf("without the drained node the answers are %+v, want %+v", got, before)
	}
	if err := c.Drain(ctx, "expert-9"); err == nil || !strings.Contains(err.Error(), "expert-9") {
		t.Errorf("drain of an unknown node: %v", err)
	}
}

func TestValidateNamesEveryField(t *testing.T) {
	err := hachi.Config{Binary: "no/hachi", Quantize: "int3", Source: hachi.Source{CacheBytes: -1}, Nodes: -1, Threads: -1, MaxSequences: -1, MaxQueue: -1, SpeculativeTokens: -1}.Validate()
	for i := range reflect.TypeFor[hachi.Config]().NumField() {
		switch name := reflect.TypeFor[hachi.Config]().Field(i).Name; name {
		case "ModelName", "PrefixCache", "Logger": // every value is right
		default:
			if err == nil || !strings.Contains(err.Error(), name+" is ") {
				t.Errorf("%s is not named: %v", name, err)
			}
		}
	}
	if err := config().Validate(); err != nil {
		t.Error(err)
	}
	if _, err := hachi.Start(t.Context(), hachi.Config{}); err == nil {
		t.Error("the zero configuration was started")
	}
}

// TestStartFailsWhole: a role that cannot run ends the start, and nothing stays.
func TestStartFailsWhole(t *testing.T) {
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(tiny)); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(filepath.Join(dir, "tokenizer.model")); err != nil {
		t.Fatal(err)
	}
	cfg := config()
	cfg.Model = dir
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := hachi.Start(ctx, cfg); err == nil || !strings.Contains(err.Error(), "router-0") {
		t.Errorf("start: %v", err)
	}
}
