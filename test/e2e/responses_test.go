package e2e

import (
	"errors"
	"strings"
	"testing"

	"github.com/openai/openai-go/v3"
	"github.com/openai/openai-go/v3/option"
	"github.com/openai/openai-go/v3/responses"

	"github.com/hachi-serve/hachi/internal/local"
)

// TestRealOpenAIClientReadsResponses runs the official Go client's responses against
// a cluster: whole, streamed, with a function, and refused.
func TestRealOpenAIClientReadsResponses(t *testing.T) {
	t.Parallel()
	cluster := hachi.Cluster(t, func(c *local.UpConfig) { c.Nodes = 2 })
	client := openai.NewClient(option.WithBaseURL(cluster.URL()+"/v1/"), option.WithAPIKey("none"), option.WithMaxRetries(0))
	ask := responses.ResponseNewParams{
		Model: "tiny", MaxOutputTokens: openai.Int(8), Temperature: openai.Float(0.9), Instructions: openai.String("Be brief."),
		Input: responses.ResponseNewParamsInputUnion{OfString: openai.String("こんにちは")},
	}
	seed := option.WithJSONSet("seed", 3)
	whole, err := client.Responses.New(t.Context(), ask, seed)
	if err != nil {
		t.Fatal(err)
	}
	if whole.OutputText() == "" || whole.Usage.OutputTokens != 8 || whole.Status != "incomplete" || whole.IncompleteDetails.Reason != "max_output_tokens" {
		t.Errorf("whole: %s", whole.RawJSON())
	}
	stream := client.Responses.NewStreaming(t.Context(), ask, seed)
	var text strings.Builder
	var last responses.ResponseStreamEventUnion
	for stream.Next() {
		if last = stream.Current(); last.Type == "response.output_text.delta" {
			text.WriteString(last.Delta)
		}
	}
	if err := stream.Err(); err != nil || text.String() != whole.OutputText() || last.Type != "response.incomplete" || last.Response.OutputText() != text.String() {
		t.Errorf("streamed %q, the last event %s, %v; not streamed %q", text.String(), last.RawJSON(), err, whole.OutputText())
	}
	call := ask
	call.MaxOutputTokens = openai.Int(200)
	call.Tools = []responses.ToolUnionParam{responses.ToolParamOfFunction("f", map[string]any{
		"type": "object", "properties": map[string]any{"city": map[string]any{"enum": []string{"京都"}}}, "required": []string{"city"},
	}, true)}
	call.ToolChoice = responses.ResponseNewParamsToolChoiceUnion{OfToolChoiceMode: openai.Opt(responses.ToolChoiceOptionsRequired)}
	call.ParallelToolCalls = openai.Bool(false)
	called, err := client.Responses.New(t.Context(), call, seed)
	if err != nil || len(called.Output) != 1 || called.Output[0].AsFunctionCall().Name != "f" || !strings.Contains(called.Output[0].AsFunctionCall().Arguments, "京都") {
		t.Errorf("a call: %+v, %v", called, err)
	}
	ask.PreviousResponseID = openai.String(whole.ID)
	_, err = client.Responses.New(t.Context(), ask)
	var refused *openai.Error
	if !errors.As(err, &refused) || refused.StatusCode != 400 || refused.Param != "previous_response_id" {
		t.Errorf("an earlier response: %v", err)
	}
	if _, err = client.Responses.Get(t.Context(), whole.ID, responses.ResponseGetParams{}); !errors.As(err, &refused) || refused.StatusCode != 404 {
		t.Errorf("a stored response: %v", err)
	}
}
