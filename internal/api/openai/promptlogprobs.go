package openai

import (
	"strconv"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/logprobs"
)

// promptLogprobs are those of a prompt's tokens by token id, beside the answer:
// null for the first token, then the token itself and its alternatives.
type promptLogprobs []map[string]promptLogprob

type promptLogprob struct {
	Logprob float32 `json:"logprob"`
	// Rank is 1 for the most likely token; null when the token is not among
	// the alternatives.
	Rank  *int   `json:"rank"`
	Token string `json:"decoded_token"`
}

// promptTokens adds tokens of a prompt with n alternatives.
func (s *server) promptTokens(to promptLogprobs, tokens []completion.Token, n int) promptLogprobs {
	for _, t := range tokens {
		one := map[string]promptLogprob{}
		add := func(id int32, logprob float32, rank *int) {
			text, _ := s.namer.Text(id)
			one[strconv.Itoa(int(id))] = promptLogprob{logprobs.Finite(logprob), rank, text}
		}
		add(t.Token, t.Logprob, nil)
		for i, alternative := range t.Top[:min(n, len(t.Top))] {
			rank := i + 1
			add(alternative.Token, alternative.Logprob, &rank)
		}
		to = append(to, one)
	}
	return to
}
