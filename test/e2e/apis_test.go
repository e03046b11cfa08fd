package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"reflect"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tool"
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
			Attributes: chat.Attributes{"helpfulness": 2}, MaxTokens: harness.StreamTokens, Temperature: 0.8, Seed: 3, Parallel: true,
		},
		{
			Messages: []chat.Message{
				{Role: "user", Content: "Weather in Osaka?"},
				{Role: "assistant", ToolCalls: []tool.Call{{ID: "c1", Name: "weather", Arguments: `{"city":"大阪","days":[1]}`}}},
				{Role: "tool", ToolCallID: "c1", Content: "sunny"}, {Role: "assistant", Content: "Sunny."}, {Role: "user", Content: "And in Kyoto?"},
			},
			Tools: []tool.Tool{weather}, Choice: tool.Choice{Mode: tool.Required}, MaxTokens: 2 * harness.StreamTokens, Temperature: 0.8, Seed: 4,
		},
	}
}

// TestAPIsSayTheSameWhileANodeDies: a conversation has one answer, by chat
// completions, responses and messages, whole and streamed, with all nodes and while
// one is killed in the middle.
func TestAPIsSayTheSameWhileANodeDies(t *testing.T) {
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.Placement.Replicas = 2 })
	askAll := func(ctx context.Context) ([]string, error) { return askEveryAPI(ctx, cluster.URL()) }
	raw, err := askAll(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want := readEveryAPI(t, raw)
	each := len(want) / len(conversations())
	for i, a := range want {
		if first := want[i/each*each]; !reflect.DeepEqual(a, first) {
			t.Errorf("answer %d is %+v, the first of its conversation %+v", i, a, first)
		}
	}
	if want[0].Text == "" || len(want[each].Calls) != 1 {
		t.Errorf("the answers are %+v and %+v", want[0], want[each])
	}
	got := readEveryAPI(t, harness.During(t, cluster, askAll, func() { cluster.Kill(t, "expert-1") }))
	if !reflect.DeepEqual(got, want) {
		t.Errorf("with a node killed %+v, without %+v", got, want)
	}
}

// variants is the number of ways to ask: all conversations, by all APIs, whole and
// streamed.
func variants() int { return len(conversations()) * 2 * len(apitest.APIs) }

// variant returns the i-th way to ask.
func variant(i int) (q apitest.Request, api apitest.API, stream bool) {
	each := 2 * len(apitest.APIs)
	return conversations()[i/each], apitest.APIs[i%each/2], i%2 == 1
}

// askEveryAPI asks in every way at once, and returns the bodies of the answers.
func askEveryAPI(ctx context.Context, url string) ([]string, error) {
	bodies := make([]string, variants())
	group, ctx := errgroup.WithContext(ctx)
	for i := range bodies {
		group.Go(func() (err error) {
			q, api, stream := variant(i)
			bodies[i], err = post(ctx, url+api.Path, api.Body(q, stream))
			return err
		})
	}
	return bodies, group.Wait()
}

// readEveryAPI reads what askEveryAPI returned. Arguments become values: messages
// give them as an object.
func readEveryAPI(t *testing.T, bodies []string) []apitest.Answer {
	t.Helper()
	answers := make([]apitest.Answer, len(bodies))
	for i, body := range bodies {
		_, api, stream := variant(i)
		answers[i] = api.Read(t, body, stream)
		for j, c := range answers[i].Calls {
			var arguments any
			if err := json.Unmarshal([]byte(c.Arguments), &arguments); err != nil {
				t.Errorf("%s: the arguments %q: %v", api.Path, c.Arguments, err)
			}
			answers[i].Calls[j].Arguments = fmt.Sprint(arguments)
		}
	}
	return answers
}

// post returns the body of an answer that succeeds.
func post(ctx context.Context, url string, body []byte) (string, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	r.Header.Set("Content-Type", "application/json")
	w, err := http.DefaultClient.Do(r)
	if err != nil {
		return "", err
	}
	defer w.Body.Close()
	raw, err := io.ReadAll(w.Body)
	if err == nil && w.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %d %s", url, w.StatusCode, raw)
	}
	return string(raw), err
}
