package logprobs

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

// Finite returns a log probability that JSON has a number for.
func Finite(logprob float32) float32 {
	if logprob >= unlikely {
		return logprob
	}
	return unlikely // minus infinity, or no number
}

// Namer names the tokens of a vocabulary.
type Namer struct {
	tokenizer *tokenizer.Tokenizer
	specials  map[int32]string // texts of the tokens that begin and end texts
}

// NewNamer names the tokens of t.
func NewNamer(t *tokenizer.Tokenizer) Namer {
	names := t.Specials()
	return Namer{t, map[int32]string{t.BOS(): cmp.Or(names["bos_token"], "<s>"), t.EOS(): cmp.Or(names["eos_token"], "</s>")}}
}

// Text shows a token, and its bytes; special tokens have none.
func (n Namer) Text(id int32) (string, []byte) {
	raw := n.tokenizer.TokenBytes(id)
	switch name, special := n.specials[id]; {
	case special:
		return name, nil
	case len(raw) == 0:
		return fmt.Sprintf("token_id:%d", id), nil
	case utf8.Valid(raw):
		return string(raw), raw
	}
	return escapeBytes(raw), raw
}

// escapeBytes shows bytes that are no text, as \xe6\x97.
func escapeBytes(raw []byte) string {
	var out strings.Builder
	for _, b := range raw {
		fmt.Fprintf(&out, `\x%02x`, b)
	}
	return out.String()
}

// Token is a token of an answer with its alternatives.
type Token struct {
	Logprob
	Top []Logprob `json:"top_logprobs"`
}

// Logprob is a token with its natural log probability.
type Logprob struct {
	Token   string  `json:"token"`
	Logprob float32 `json:"logprob"`
	Bytes   []int   `json:"bytes"` // null for special tokens
}

// Tokens shows an answer's tokens, with at most top alternatives each.
func (n Namer) Tokens(tokens []completion.Token, top int) []Token {
	out := make([]Token, len(tokens))
	for i, t := range tokens {
		alternatives := t.Top[:min(top, len(t.Top))]
		out[i] = Token{n.logprob(t.Token, t.Logprob), make([]Logprob, len(alternatives))}
		for j, a := range alternatives {
			out[i].Top[j] = n.logprob(a.Token, a.Logprob)
		}
	}
	return out
}

func (n Namer) logprob(token int32, logprob float32) Logprob {
	text, raw := n.Text(token)
	l := Logprob{Token: text, Logprob: Finite(logprob)}
	for _, b := range raw {
		l.Bytes = append(l.Bytes, int(b))
	}
	return l
}
