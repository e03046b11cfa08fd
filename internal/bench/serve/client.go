package serve

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"
)

// Client speaks the completions API.
type Client struct {
	URL   string // of the server, for example http://127.0.0.1:8080
	Model string // empty for the server's only one
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
	Status    int             // HTTP; 0 when there was no answer
	Retry     string          // Retry-After of a refusal
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
	var out struct {
		Tokens []int32 `json:"tokens"`
	}
	resp, err := c.post(ctx, "/tokenize", map[string]any{"prompt": corpus, "add_special_tokens": false})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return nil, fmt.Errorf("tokenize: %w", err)
	}
	if len(out.Tokens) == 0 {
		return nil, errors.New("tokenize: the server found no tokens")
	}
	return out.Tokens, nil
}

// post sends JSON and turns an error answer into an error.
func (c Client) post(ctx context.Context, path string, body any) (*http.Response, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.URL, "/")+path, bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := c.HTTP.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(resp.Body, 1<<10))
	return nil, &StatusError{resp.StatusCode, strings.TrimSpace(string(text)), resp.Header.Get("Retry-After")}
}

// StatusError is an answer other than 200.
type StatusError struct {
	Status int
	Text   string
	Retry  string // Retry-After
}

func (e *StatusError) Error() string { return fmt.Sprintf("status %d: %s", e.Status, e.Text) }

// Do runs one streamed completion that was due at a time.
func (c Client) Do(ctx context.Context, due time.Time, r Request, tokens []int32) Sample {
	s := Sample{Due: due, Prompt: r.Prompt}
	prompt := make([]int32, r.Prompt)
	for i := range prompt {
		prompt[i] = tokens[(r.Offset+i)%len(tokens)]
	}
	body := map[string]any{
		"prompt": prompt, "max_tokens": r.Answer, "ignore_eos": true, "stream": true, "temperature": 0,
		"stream_options": map[string]any{"include_usage": true},
	}
	if c.Model != "" {
		body["model"] = c.Model
	}
	resp, err := c.post(ctx, "/v1/completions", body)
	if err != nil {
		s.fail(err)
		return s
	}
	defer resp.Body.Close()
	s.Status = resp.StatusCode
	if err := s.read(resp.Body); err != nil {
		s.fail(err)
		return s
	}
	s.Total = time.Since(due)
	return s
}

func (s *Sample) fail(err error) {
	s.Err, s.Total = err, time.Since(s.Due)
	var status *StatusError
	if errors.As(err, &status) {
		s.Status, s.Retry = status.Status, status.Retry
	}
}

// chunk is one event of the stream.
type chunk struct {
	Choices []struct {
		Text string `json:"text"`
	} `json:"choices"`
	Usage *struct {
		Completion int `json:"completion_tokens"`
	} `json:"usage"`
	Error *struct {
		Message string `json:"message"`
	} `json:"error"`
}

// read follows a stream of server-sent events to its [DONE].
func (s *Sample) read(body io.Reader) error {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 0, 64<<10), 4<<20)
	var last time.Time
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			return nil
		}
		var c chunk
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			return fmt.Errorf("event %q: %w", data, err)
		}
		if c.Error != nil {
			return errors.New(c.Error.Message)
		}
		if c.Usage != nil {
			s.Generated = c.Usage.Completion
		}
		if len(c.Choices) > 0 {
			last = s.token(last)
		}
	}
	if err := lines.Err(); err != nil {
		return err
	}
	return errors.New("the stream ended without [DONE]")
}

// token notes the arrival of an event that carries tokens.
func (s *Sample) token(last time.Time) time.Time {
	now := time.Now()
	if last.IsZero() {
		s.First = now.Sub(s.Due)
	} else {
		s.Gaps = append(s.Gaps, now.Sub(last))
	}
	return now
}
