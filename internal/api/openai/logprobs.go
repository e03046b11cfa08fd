package openai

import (
	"cmp"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

// unlikely stands for log probabilities that JSON has no number for, as at OpenAI.
const unlikely = -9999

// finite returns a log probability that JSON has a number for.
func finite(logprob float32) float32 {
	if logprob >= unlikely {
		return logprob
	}
	return unlikely // minus infinity, or no number
}

// tokenText shows a token, and its bytes; special tokens have none.
func (s *server) tokenText(id int32) (string, []byte) {
	raw := s.cfg.Completer.Tokenizer.TokenBytes(id)
	switch name, special := s.specials[id]; {
	case special:
		return name, nil
	case len(raw) == 0:
		return fmt.Sprintf("token_id:%d", id), nil
	case utf8.Valid(raw):
		return string(raw), raw
	}
	return escapeBytes(raw), raw
}

// specialTexts are the names of the tokens that begin and end texts.
func specialTexts(t *tokenizer.Tokenizer) map[int32]string {
	names := t.Specials()
	return map[int32]string{t.BOS(): cmp.Or(names["bos_token"], "<s>"), t.EOS(): cmp.Or(names["eos_token"], "</s>")}
}

// escapeBytes shows bytes that are no text, as \xe6\x97.
func escapeBytes(raw []byte) string {
	var out strings.Builder
	for _, b := range raw {
		fmt.Fprintf(&out, `\x%02x`, b)
	}
	return out.String()
}

// chatLogprobs are log probabilities in chat's form.
type chatLogprobs struct {
	Content []chatToken `json:"content"`
	Refusal []chatToken `json:"refusal"` // null: nothing is refused
}

// chatToken is a token of an answer with its alternatives.
type chatToken struct {
	chatLogprob
	Top []chatLogprob `json:"top_logprobs"`
}

// chatLogprob is a token with its log probability.
type chatLogprob struct {
	Token   string  `json:"token"`
	Logprob float32 `json:"logprob"`
	Bytes   []int   `json:"bytes"` // null for special tokens
}

// chatTokens converts an answer's tokens, with n alternatives each.
func (s *server) chatTokens(tokens []completion.Token, n int) []chatToken {
	out := make([]chatToken, len(tokens))
	for i, t := range tokens {
		top := t.Top[:min(n, len(t.Top))]
		out[i] = chatToken{s.chatLogprob(t.Token, t.Logprob), make([]chatLogprob, len(top))}
		for j, alternative := range top {
			out[i].Top[j] = s.chatLogprob(alternative.Token, alternative.Logprob)
		}
	}
	return out
}

func (s *server) chatLogprob(token int32, logprob float32) chatLogprob {
	text, raw := s.tokenText(token)
	l := chatLogprob{Token: text, Logprob: finite(logprob)}
	for _, b := range raw {
		l.Bytes = append(l.Bytes, int(b))
	}
	return l
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
	if o.request.Echo {
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
				top[name] = finite(logprob)
			}
		}
		for _, alternative := range t.Top[:min(n, len(t.Top))] {
			put(alternative.Token, alternative.Logprob)
		}
		put(t.Token, t.Logprob)
		logprob := finite(t.Logprob)
		l.append(s.textToken(t.Token), &logprob, top, t.Offset)
	}
}

// textToken shows a token in completions' form: half a character as
// bytes:\xe6.
func (s *server) textToken(id int32) string {
	text, raw := s.tokenText(id)
	if raw != nil && !utf8.Valid(raw) {
		return "bytes:" + text
	}
	return text
}
