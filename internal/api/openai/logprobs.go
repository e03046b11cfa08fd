package openai

import (
	"unicode/utf8"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/logprobs"
)

// chatLogprobs are log probabilities in chat's form.
type chatLogprobs struct {
	Content []logprobs.Token `json:"content"`
	Refusal []logprobs.Token `json:"refusal"` // null: nothing is refused
}

// textLogprobs are log probabilities in completions' form. The first token of
// an echoed prompt has none: null.
type textLogprobs struct {
	Tokens   []string             `json:"tokens"`
	Logprobs []*float32           `json:"token_logprobs"`
	Top      []map[string]float32 `json:"top_logprobs"`
	Offsets  []int                `json:"text_offset"` // in code points of the choice's text
}

func newTextLogprobs() *textLogprobs {
	return &textLogprobs{Tokens: []string{}, Logprobs: []*float32{}, Top: []map[string]float32{}, Offsets: []int{}}
}

// first adds the first token of an echoed prompt.
func (s *server) first(l *textLogprobs, token int32) {
	l.append(s.textToken(token), nil, nil, 0)
}

func (l *textLogprobs) append(token string, logprob *float32, top map[string]float32, offset int) {
	l.Tokens, l.Logprobs = append(l.Tokens, token), append(l.Logprobs, logprob)
	l.Top, l.Offsets = append(l.Top, top), append(l.Offsets, offset)
}

// add adds a delta's tokens if the request asked for log probabilities.
func (s *server) add(l *textLogprobs, d completion.Delta, o options) {
	if l == nil {
		return
	}
	if o.Request.Echo {
		s.addTokens(l, d.Prompt, o.logprobs)
	}
	s.addTokens(l, d.Tokens, o.logprobs)
}

// addTokens adds tokens with n alternatives each. A token that is not among its
// alternatives is added to them, as number n+1.
func (s *server) addTokens(l *textLogprobs, tokens []completion.Token, n int) {
	for _, t := range tokens {
		top := map[string]float32{}
		put := func(id int32, logprob float32) {
			name := s.textToken(id)
			if _, taken := top[name]; !taken {
				top[name] = logprobs.Finite(logprob)
			}
		}
		for _, alternative := range t.Top[:min(n, len(t.Top))] {
			put(alternative.Token, alternative.Logprob)
		}
		put(t.Token, t.Logprob)
		logprob := logprobs.Finite(t.Logprob)
		l.append(s.textToken(t.Token), &logprob, top, t.Offset)
	}
}

// textToken shows a token in completions' form: half a character as
// bytes:\xe6.
func (s *server) textToken(id int32) string {
	text, raw := s.namer.Text(id)
	if raw != nil && !utf8.Valid(raw) {
		return "bytes:" + text
	}
	return text
}
