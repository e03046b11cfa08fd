package harness

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
)

// Caller is a client of a router.
type Caller struct {
	URL string
	Key func() string // of each request; nil sends none
}

// Refused is the status with which a router refuses a request.
type Refused int

func (r Refused) Error() string { return fmt.Sprintf("status %d", int(r)) }

// Stream requests a streamed completion and reads it to its end. It samples if seed
// is odd.
func (c Caller) Stream(ctx context.Context, prompt string, seed, maxTokens int) (Answer, error) {
	body, err := c.open(ctx, prompt, seed, maxTokens)
	if err != nil {
		return Answer{}, err
	}
	defer body.Close()
	return readStream(body)
}

func (c Caller) open(ctx context.Context, prompt string, seed, maxTokens int) (io.ReadCloser, error) {
	raw, err := json.Marshal(map[string]any{
		"model": "tiny", "prompt": prompt, "max_tokens": maxTokens, "logprobs": 5, "stream": true, "ignore_eos": true,
		"temperature": 0.8 * float64(seed%2), "seed": seed,
	})
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, c.URL+"/v1/completions", bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if c.Key != nil {
		req.Header.Set("Authorization", "Bearer "+c.Key())
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		resp.Body.Close()
		return nil, Refused(resp.StatusCode)
	}
	return resp.Body, nil
}

// readStream joins the events of a stream. How many tokens an event has depends on the
// time; the lists of its log probabilities are joined.
func readStream(body io.Reader) (whole Answer, err error) {
	ended, lists := false, map[string][]json.RawMessage{}
	for lines := bufio.NewScanner(body); lines.Scan(); {
		event, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if ended = event == "[DONE]"; ended {
			break
		}
		piece, err := parseAnswer([]byte(event))
		if err != nil {
			return whole, err
		}
		whole.Text += piece.Text
		more := map[string][]json.RawMessage{}
		if err := json.Unmarshal([]byte(piece.Logprobs), &more); err != nil {
			return whole, fmt.Errorf("event %s: %w", event, err)
		}
		for name, list := range more {
			lists[name] = append(lists[name], list...)
		}
	}
	if !ended {
		return whole, fmt.Errorf("the stream has no end, after %q", whole.Text)
	}
	joined, err := json.Marshal(lists) // in order of name
	whole.Logprobs = string(joined)
	return whole, err
}

// streamed is the length of a stream of Streams.
const streamed = 12

// Streams runs n streams at once, each again and again, while change runs. None may
// fail, and each must be that of an undisturbed run.
func (c Caller) Streams(t *testing.T, n int, change func()) {
	t.Helper()
	all := prompts()
	want := make([]Answer, n)
	for i := range want {
		var err error
		if want[i], err = c.Stream(t.Context(), all[i%len(all)], i, streamed); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	var streams sync.WaitGroup
	var completed atomic.Int64
	for i := range n {
		streams.Go(func() {
			for round := 0; ctx.Err() == nil || round < 2; round++ {
				got, err := c.Stream(context.WithoutCancel(ctx), all[i%len(all)], i, streamed)
				if err != nil || got != want[i] {
					t.Errorf("stream %d, round %d: %v, %q\n%s\nwant %q\n%s", i, round, err, got.Text, got.Logprobs, want[i].Text, want[i].Logprobs)
					return
				}
				completed.Add(1)
			}
		})
	}
	defer func() {
		cancel()
		streams.Wait()
		t.Logf("%d streams were the same", completed.Load())
	}()
	change()
}
