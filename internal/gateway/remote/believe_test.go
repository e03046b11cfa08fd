package remote

import (
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"testing/synctest"

	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// lies are what no router answers.
var lies = map[string]func(*hachiv1.GenerateTokensResponse){
	"a token outside the vocabulary": func(m *hachiv1.GenerateTokensResponse) { m.Tokens = []*hachiv1.TokenLogprob{{Token: 1000}} },
	"a token that is negative":       func(m *hachiv1.GenerateTokensResponse) { m.Tokens = []*hachiv1.TokenLogprob{{Token: math.MaxUint32}} },
	"an alternative outside the vocabulary": func(m *hachiv1.GenerateTokensResponse) {
		m.Tokens = []*hachiv1.TokenLogprob{{Alternatives: []*hachiv1.Alternative{{Token: 1 << 31}}}}
	},
	"more alternatives than are asked for": func(m *hachiv1.GenerateTokensResponse) {
		m.Tokens = []*hachiv1.TokenLogprob{{Alternatives: make([]*hachiv1.Alternative, 1000)}}
	},
	"no number": func(m *hachiv1.GenerateTokensResponse) {
		m.Tokens = []*hachiv1.TokenLogprob{{Logprob: float32(math.NaN())}}
	},
	"more tokens than the limit":             func(m *hachiv1.GenerateTokensResponse) { m.Tokens = make([]*hachiv1.TokenLogprob, 97) },
	"tokens of the prompt":                   func(m *hachiv1.GenerateTokensResponse) { m.Prompt = []*hachiv1.TokenLogprob{{Token: 5}} },
	"more cached tokens than the prompt has": func(m *hachiv1.GenerateTokensResponse) { m.CachedTokens = math.MaxUint32 },
	"more nodes than there are":              func(m *hachiv1.GenerateTokensResponse) { m.Nodes = make([]string, maxNodes+1) },
	"a long name":                            func(m *hachiv1.GenerateTokensResponse) { m.Nodes = []string{strings.Repeat("n", maxNodeName+1)} },
}

// TestARouterThatLiesIsNotBelieved: its answers go on at another router, from what it said
// before, and where there is none they end.
func TestARouterThatLiesIsNotBelieved(t *testing.T) {
	for name, lie := range lies {
		synctest.Test(t, func(t *testing.T) {
			honest := serve(&fleet{length: 9}, nil, "a", "b")
			defer honest.Stop()
			want, err := answerOf(t.Context(), honest, request())
			if err != nil {
				t.Fatal(err)
			}
			for _, after := range []int{0, 3} {
				sent := 0
				f := &fleet{length: 9, lie: func(router string, m *hachiv1.GenerateTokensResponse) {
					if sent++; router == "a" && sent > after {
						lie(m)
					}
				}}
				f.fates = []plan{{1 << 20, whole}}
				alone := serve(f, nil, "a")
				if _, err := answerOf(t.Context(), alone, request()); !errors.Is(err, errLie) {
					t.Errorf("%s after %d responses, from the only router: %v", name, after, err)
				}
				alone.Stop()
				sent = 0
				both := serve(f, nil, "a", "b")
				if got, err := answerOf(t.Context(), both, request()); err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("%s after %d responses: %v, %v, want %v", name, after, got, err, want)
				}
				both.Stop()
			}
		})
	}
}

// TestARouterTellsNoClientToWaitForever.
func TestARouterTellsNoClientToWaitForever(t *testing.T) {
	p := NewPool()
	p.release("a", verdict{fate: full, after: math.MaxUint32 * 1e6})
	if got := p.RetryAfter(); got != maxRetryAfter {
		t.Errorf("%v, expected %v", got, maxRetryAfter)
	}
}
