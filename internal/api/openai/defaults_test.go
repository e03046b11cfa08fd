package openai

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
)

// TestServersDefaultsHoldWhereARequestSaysNothing: what a request says wins, also
// where it says what the API has as its default.
func TestServersDefaultsHoldWhereARequestSaysNothing(t *testing.T) {
	b := newBench(t, nil)
	b.sampling = &completion.SamplingDefaults{Temperature: 0.6, TopP: 0.9, TopK: 20, MinP: 0.05, RepetitionPenalty: 1.1}
	b.serve()
	for _, tt := range []struct {
		parameters string
		want       completion.SamplingDefaults
	}{
		{``, *b.sampling},
		{`,"temperature":null,"top_p":null`, *b.sampling},
		{`,"temperature":0`, completion.SamplingDefaults{Temperature: 0, TopP: 0.9, TopK: 20, MinP: 0.05, RepetitionPenalty: 1.1}},
		{`,"temperature":1,"top_p":1,"top_k":-1,"min_p":0,"repetition_penalty":1`, completion.NeutralSampling()},
	} {
		for _, path := range []string{chatPath, textPath} {
			b.engine.Forget()
			body := `{` + user + tt.parameters + `}`
			if path == textPath {
				body = `{"prompt":"x"` + tt.parameters + `}`
			}
			if w := b.post(path, body); w.Code != http.StatusOK {
				t.Fatalf("%s: %d %s", body, w.Code, w.Body)
			}
			got := b.engine.Calls()[0].Request.Params
			var request engine.Request
			tt.want.Apply(&request)
			want := request.Params
			if got.Temperature != want.Temperature || got.TopP != want.TopP || got.TopK != want.TopK || got.MinP != want.MinP || got.RepetitionPenalty != want.RepetitionPenalty {
				t.Errorf("%s %s: %+v, expected %+v", path, body, got, want)
			}
		}
	}
	card := record(b, httptest.NewRequest(http.MethodGet, "/v1/models", nil)).Body.String()
	if want := `"default_sampling_params":{"temperature":0.6,"top_p":0.9,"top_k":20,"min_p":0.05,"repetition_penalty":1.1}`; !strings.Contains(card, want) {
		t.Errorf("%s lacks %s", card, want)
	}
}

// TestCachedTokensAreCountedOnceForEachPrompt: what one choice had to compute is
// not cached, though the others found it.
func TestCachedTokensAreCountedOnceForEachPrompt(t *testing.T) {
	cached := []int{0, 16, 32, 48} // by choice of both prompts
	b := newBench(t, func(_ *bench, r engine.Request) enginetest.Script {
		return enginetest.Script{Tokens: []int32{5}, Cached: cached[int(r.Prompt[1]-5)*2+r.Choice]}
	})
	got := ask[textShape](t, b, textPath, `{"prompt":[[1,5],[1,6]],"n":2,"max_tokens":1}`)
	if got.Usage.Details.Cached != 32 {
		t.Errorf("%+v, expected 0 and 32 cached tokens", got.Usage)
	}
	if body := b.post(textPath, `{"prompt":[1,6],"max_tokens":1}`).Body.String(); !strings.Contains(body, `"prompt_tokens_details":{"cached_tokens":32}`) {
		t.Errorf("%s", body)
	}
}
