package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/sync/errgroup"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tool"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// toolsOfEveryKind are 50 tools whose schemas have nesting, enums in Japanese,
// arrays, references, alternatives and bounds.
func toolsOfEveryKind(t *testing.T) []tool.Tool {
	t.Helper()
	raw, err := os.ReadFile("../../internal/api/completion/testdata/tools.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []tool.Tool
	if err := json.Unmarshal(raw, &all); err != nil || len(all) < 50 {
		t.Fatalf("%d tools, %v", len(all), err)
	}
	return all
}

// validate judges arguments by another implementation of JSON Schema.
func validate(f tool.Tool, arguments string) error {
	var source, v any
	if err := json.Unmarshal(f.Schema(), &source); err != nil {
		return err
	}
	if err := json.Unmarshal([]byte(arguments), &v); err != nil {
		return err
	}
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	if err := c.AddResource("schema.json", source); err != nil {
		return err
	}
	schema, err := c.Compile("schema.json")
	if err != nil {
		return err
	}
	return schema.Validate(v)
}

// TestToolCallsOfARandomModel: whatever a model prefers, its calls have arguments
// that satisfy the schema; streamed pieces are the whole, and a node killed in the
// middle changes no byte.
func TestToolCallsOfARandomModel(t *testing.T) {
	harness.Slow(t)
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.Placement.Replicas = 2 })
	tools, api := toolsOfEveryKind(t), apitest.APIs[0]
	askAll := func(stream bool) func(ctx context.Context) ([]string, error) {
		return func(ctx context.Context) ([]string, error) {
			bodies := make([]string, len(tools))
			group, ctx := errgroup.WithContext(ctx)
			group.SetLimit(16)
			for i, f := range tools {
				q := apitest.Request{
					Messages: []chat.Message{{Role: "user", Content: fmt.Sprintf("Call %d", i)}}, Tools: []tool.Tool{f},
					Choice: tool.Choice{Mode: tool.Required}, Parallel: i%2 == 0, MaxTokens: 160, Temperature: 1, Seed: uint64(i),
				}
				group.Go(func() (err error) {
					bodies[i], err = post(ctx, cluster.URL()+api.Path, api.Body(q, stream))
					return err
				})
			}
			return bodies, group.Wait()
		}
	}
	read := func(bodies []string, stream bool) []apitest.Answer {
		answers := make([]apitest.Answer, len(bodies))
		for i, body := range bodies {
			answers[i] = api.Read(t, body, stream)
		}
		return answers
	}
	raw, err := askAll(false)(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	want, ended := read(raw, false), 0
	for i, a := range want {
		if a.End != "tool_calls" {
			continue
		}
		ended++
		for _, c := range a.Calls {
			if err := validate(tools[i], c.Arguments); err != nil || c.Name != tools[i].Name {
				t.Errorf("%s: a call of %s with %s: %v", tools[i].Name, c.Name, c.Arguments, err)
			}
		}
	}
	t.Logf("%d of %d answers ended", ended, len(tools))
	if ended < len(tools)/2 {
		t.Errorf("%d of %d answers ended", ended, len(tools))
	}
	got := read(harness.During(t, cluster, askAll(true), func() { cluster.Kill(t, "expert-1") }), true)
	for i := range got {
		if !reflect.DeepEqual(got[i], want[i]) {
			t.Errorf("%s: streamed with a node killed %+v, whole %+v", tools[i].Name, got[i], want[i])
		}
	}
}
