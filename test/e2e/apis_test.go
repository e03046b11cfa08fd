package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"reflect"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/status"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tool"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// conversations are asked by every API: text, and a call of a tool after one.
func conversations() []apitest.Request {
	weather := tool.Tool{
		Name: "weather", Description: "The weather of a city.",
		Parameters: json.RawMessage(`{"type":"object","properties":{"city":{"enum":["京都","大阪"]},"days":{"type":"array","items":{"type":"integer"}}},"required":["city","days"]}`),
	}
	return []apitest.Request{
		{
			Messages:   []chat.Message{{Role: "system", Content: "Be brief."}, {Role: "user", Content: "こんにちは", Attributes: chat.Attributes{"humor": 3}}},
			Attributes: chat.Attributes{"helpfulness": 2}, MaxTokens: harness.StreamTokens, Temperature: 0.75, Seed: 3, Parallel: true,
		},
		{
			Messages: []chat.Message{
				{Role: "user", Content: "Weather in Osaka?"},
				{Role: "assistant", ToolCalls: []tool.Call{{ID: "c1", Name: "weather", Arguments: `{"city":"大阪","days":[1]}`}}},
				{Role: "tool", ToolCallID: "c1", Content: "sunny"}, {Role: "assistant", Content: "Sunny."}, {Role: "user", Content: "And in Kyoto?"},
			},
			Tools: []tool.Tool{weather}, Choice: tool.Choice{Mode: tool.Required}, MaxTokens: 2 * harness.StreamTokens, Temperature: 0.75, Seed: 4,
		},
	}
}

// TestAPIsSayTheSameWhileANodeDies: a conversation has one answer, by chat
// completions, responses, messages and gRPC, whole and streamed, with all nodes and
// while one is killed in the middle.
func TestAPIsSayTheSameWhileANodeDies(t *testing.T) {
	t.Parallel()
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.Placement.Replicas = 2 })
	var all []way
	for _, q := range conversations() {
		all = append(all, waysOf(q, generator(t, cluster))...)
	}
	askAll := func(ctx context.Context) ([]reply, error) { return askEach(ctx, cluster.URL(), all) }
	raw, err := askAll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := readEach(t, all, raw)
	each := len(want) / len(conversations())
	for i, a := range want {
		if first := want[i/each*each]; !reflect.DeepEqual(a, first) {
			t.Errorf("answer %d is %+v, the first of its conversation %+v", i, a, first)
		}
	}
	if want[0].Text == "" || len(want[each].Calls) != 1 {
		t.Errorf("the answers are %+v and %+v", want[0], want[each])
	}
	got := readEach(t, all, harness.During(t, cluster, askAll, func() { cluster.Kill(t, "expert-1") }))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("with a node killed %+v, without %+v", got, want)
	}
}

// way is a request and how it is made: by an API over HTTP, whole or streamed, or by
// gRPC.
type way struct {
	apitest.Request
	api    apitest.API
	stream bool
	grpc   hachiv1.InferenceServiceClient // nil is HTTP
}

// reply is an answer as it came: a body, or messages of gRPC.
type reply struct {
	body     string
	messages []*hachiv1.GenerateResponse
}

// waysOf are all ways to make a request, the first by chat completions, whole.
func waysOf(q apitest.Request, client hachiv1.InferenceServiceClient) []way {
	var all []way
	for _, api := range apitest.APIs {
		all = append(all, way{q, api, false, nil}, way{q, api, true, nil})
	}
	return append(all, way{Request: q, grpc: client})
}

// generator connects to the gRPC API of a cluster's router.
func generator(t *testing.T, cluster *harness.Cluster) hachiv1.InferenceServiceClient {
	t.Helper()
	var view status.View
	eventually.True(t, "the router is listed", func() bool {
		view = cluster.View(t)
		return len(view.Routers) > 0
	})
	conn, err := view.DialRouter(view.Routers[len(view.Routers)-1])
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := conn.Close(); err != nil {
			t.Error(err)
		}
	})
	return hachiv1.NewInferenceServiceClient(conn)
}

// ask makes the request.
func (w way) ask(ctx context.Context, url string) (r reply, err error) {
	if w.grpc == nil {
		r.body, err = harness.Post(ctx, url+w.api.Path, w.api.Body(w.Request, w.stream))
		return r, err
	}
	stream, err := w.grpc.Generate(ctx, w.Generate())
	for err == nil {
		var m *hachiv1.GenerateResponse
		if m, err = stream.Recv(); err == nil {
			r.messages = append(r.messages, m)
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return r, err
}

// read reads an answer. Arguments become values: messages give them as an object,
// which is empty if the answer was cut.
func (w way) read(t *testing.T, r reply) apitest.Answer {
	t.Helper()
	var a apitest.Answer
	if w.grpc != nil {
		a = apitest.ReadGenerated(t, r.messages)
	} else {
		a = w.api.Read(t, r.body, w.stream)
	}
	for i, c := range a.Calls {
		arguments := any(map[string]any{})
		if err := json.Unmarshal([]byte(c.Arguments), &arguments); err != nil && a.End != "length" {
			t.Errorf("%s: the arguments %q: %v", w.api.Path, c.Arguments, err)
		}
		compact, err := json.Marshal(arguments)
		if err != nil {
			t.Error(err)
		}
		a.Calls[i].Arguments = string(compact)
	}
	return a
}

// askEach asks in some ways at once.
func askEach(ctx context.Context, url string, all []way) ([]reply, error) {
	replies := make([]reply, len(all))
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(16)
	for i, w := range all {
		group.Go(func() (err error) {
			replies[i], err = w.ask(ctx, url)
			return err
		})
	}
	return replies, group.Wait()
}

// readEach reads what askEach returned.
func readEach(t *testing.T, all []way, replies []reply) []apitest.Answer {
	t.Helper()
	answers := make([]apitest.Answer, len(replies))
	for i, r := range replies {
		answers[i] = all[i].read(t, r)
	}
	return answers
}
