//go:build !race

// 360 answers in turn take minutes under the race detector.

package e2e

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"reflect"
	"testing"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tool"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
	"github.com/santhosh-tekuri/jsonschema/v6"
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
// that satisfy the schema, by every API; streamed pieces are the whole, and a node
// killed in the middle changes no byte.
func TestToolCallsOfARandomModel(t *testing.T) {
	harness.Slow(t)
	t.Parallel()
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.Placement.Replicas = 2 })
	tools, client := toolsOfEveryKind(t), generator(t, cluster)
	var whole, all []way
	for i, f := range tools {
		ways := waysOf(apitest.Request{
			Messages: []chat.Message{{Role: "user", Content: fmt.Sprintf("Call %d", i)}}, Tools: []tool.Tool{f},
			Choice: tool.Choice{Mode: tool.Required}, Parallel: i%2 == 0, MaxTokens: 160, Temperature: 1, Seed: uint64(i),
		}, client)
		whole, all = append(whole, ways[0]), append(all, ways...)
	}
	replies, err := askEach(t.Context(), cluster.URL(), whole)
	if err != nil {
		t.Fatal(err)
	}
	want, ended := readEach(t, whole, replies), 0
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
	askAll := func(ctx context.Context) ([]reply, error) { return askEach(ctx, cluster.URL(), all) }
	got := readEach(t, all, harness.During(t, cluster, askAll, func() { cluster.Kill(t, "expert-1") }))
	for i, a := range got {
		if first := want[i*len(want)/len(got)]; !reflect.DeepEqual(a, first) {
			t.Errorf("%s, way %d: with a node killed %+v, without %+v", all[i].Tools[0].Name, i, a, first)
		}
	}
}
