package serve

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/hachi-serve/hachi/client"
)

// Client speaks the completions API.
type Client struct {
	URL   string // of the server, for example http://127.0.0.1:8080
	Model string // empty for the server's only one
	Key   string // the API key; empty sends none
	HTTP  *http.Client
}

// Sample is what became of one request.
type Sample struct {
	Due       time.Time
	First     time.Duration   // from Due to the first token; 0 without one
	Gaps      []time.Duration // between tokens
	Total     time.Duration   // from Due to the end
	Prompt    int             // tokens
	Generated int             // tokens
	Status    int             // HTTP; 0 when there was no whole answer
	Retry     time.Duration   // Retry-After of a refusal
	Err       error
}

// corpus is text in two scripts; prompts are pieces of its tokens.
const corpus = `The eight of them met where the river bends, each with a lamp and a question. ` +
	`八人は川の曲がるところで会い、それぞれが灯と問いを持っていた。 ` +
	`One asked how a message finds its reader, another how a crowd decides; the third counted stars and lost the count twice. ` +
	`手紙はどうやって読み手を見つけるのか。群れはどうやって決めるのか。三人目は星を数え、二度数え間違えた。 ` +
	`"If one of us falls asleep," said the fourth, "the others go on, and the answer stays the same."`

// Tokens asks the server to tokenize the corpus, so that prompts have exact
// lengths whatever its vocabulary.
func (c Client) Tokens(ctx context.Context) ([]int32, error) {
	tokens, err := c.api().Tokenize(ctx, corpus, false)
	if err == nil && len(tokens) == 0 {
		err = errors.New("the server found no tokens")
	}
	if err != nil {
		return nil, fmt.Errorf("tokenize: %w", err)
	}
	return tokens, nil
}

func (c Client) api() *client.Client {
	return &client.Client{URL: c.URL, Model: c.Model, Key: c.Key, HTTP: c.HTTP}
}

// Do runs one streamed completion that was due at a time.
func (c Client) Do(ctx context.Context, due time.Time, r Request, tokens []int32) Sample {
	prompt := make([]int32, r.Prompt)
	for i := range prompt {
		prompt[i] = tokens[(r.Offset+i)%len(tokens)]
	}
	return c.complete(ctx, due, prompt, r.Answer)
}

// complete runs one streamed completion of a prompt.
func (c Client) complete(ctx context.Context, due time.Time, prompt []int32, answer int) Sample {
	s := Sample{Due: due, Prompt: len(prompt)}
	var last time.Time
	for chunk, err := range c.api().Stream(ctx, client.CompletionRequest{
		Tokens: prompt, Params: client.Params{MaxTokens: answer, IgnoreEOS: true},
	}) {
		switch {
		case err != nil:
			s.fail(err)
			return s
		case chunk.Usage != nil:
			s.Generated = chunk.Usage.Completion
		default:
			last = s.token(last)
		}
	}
	s.Status, s.Total = http.StatusOK, time.Since(due)
	return s
}

// fail notes an end without an answer. The request's id would make two errors
// of a kind look different.
func (s *Sample) fail(err error) {
	s.Err, s.Total = err, time.Since(s.Due)
	var refused *client.Error
	if errors.As(err, &refused) {
		anonymous := *refused
		anonymous.RequestID = ""
		s.Err, s.Status, s.Retry = &anonymous, refused.Status, refused.RetryAfter
	}
}

// token notes the arrival of a part of the answer.
func (s *Sample) token(last time.Time) time.Time {
	now := time.Now()
	if last.IsZero() {
		s.First = now.Sub(s.Due)
	} else {
		s.Gaps = append(s.Gaps, now.Sub(last))
	}
	return now
}
