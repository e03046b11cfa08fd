package harness

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"testing"
	"time"
)

// Answer is a completion with everything that must not depend on placement.
type Answer struct {
	Text     string
	Logprobs string // JSON of tokens, logprobs and alternatives, exact
}

// Complete requests a completion of maxTokens tokens. It samples if seed is odd.
func Complete(ctx context.Context, url, prompt string, seed, maxTokens int) (Answer, error) {
	body, err := json.Marshal(map[string]any{
		"model": "tiny", "prompt": prompt, "max_tokens": maxTokens, "logprobs": 5,
		"temperature": 0.8 * float64(seed%2), "seed": seed,
	})
	if err != nil {
		return Answer{}, err
	}
	raw, err := Post(ctx, url+"/v1/completions", body)
	if err != nil {
		return Answer{}, err
	}
	return parseAnswer([]byte(raw))
}

// Post sends JSON and returns the body of the answer; another status than 200 is an
// error.
func Post(ctx context.Context, url string, body []byte) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/json")
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s %s", url, resp.Status, raw)
	}
	return string(raw), err
}

func parseAnswer(raw []byte) (Answer, error) {
	var out struct {
		Choices []struct {
			Text     string          `json:"text"`
			Logprobs json.RawMessage `json:"logprobs"`
		} `json:"choices"`
	}
	if err := json.Unmarshal(raw, &out); err != nil || len(out.Choices) != 1 {
		return Answer{}, fmt.Errorf("answer %s: %v", raw, err)
	}
	return Answer{out.Choices[0].Text, string(out.Choices[0].Logprobs)}, nil
}

// prompts differ in length, script and alphabet.
func prompts() []string {
	return []string{
		"The eight of us walked to the river",
		"八人で川へ歩いた。",
		"[INST] 今日の天気は？ [/INST]",
		"1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25",
		"a",
		"東京は日本の首都であり、世界最大の都市圏の一つです。 The quick brown fox.",
		"func main() {\n\tfmt.Println(\"hello\")\n}\n",
		"😀 emoji and ｶﾀｶﾅ",
	}
}

// CompleteAll requests a completion of every prompt at once and returns the
// answers in a fixed order.
func CompleteAll(ctx context.Context, url string, maxTokens int) ([]Answer, error) {
	all := prompts()
	answers, errs := make([]Answer, len(all)), make(chan error, len(all))
	for i, prompt := range all {
		go func() {
			var err error
			answers[i], err = Complete(ctx, url, prompt, i, maxTokens)
			errs <- err
		}()
	}
	for range all {
		if err := <-errs; err != nil {
			return nil, err
		}
	}
	return answers, nil
}

// MustCompleteAll is CompleteAll for the goroutine of a test.
func MustCompleteAll(t *testing.T, url string, maxTokens int) []Answer {
	t.Helper()
	answers, err := CompleteAll(t.Context(), url, maxTokens)
	if err != nil {
		t.Fatal(err)
	}
	return answers
}

// Compare fails the test if an answer differs in one bit.
func Compare(t *testing.T, what string, got, want []Answer) {
	t.Helper()
	for i := range want {
		if got[i] != want[i] {
			t.Errorf("%s: prompt %d: got %q\n%s\nwant %q\n%s", what, i, got[i].Text, got[i].Logprobs, want[i].Text, want[i].Logprobs)
		}
	}
}

// Serves reports whether a router answers.
func Serves(url string) bool {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	_, err := Complete(ctx, url, "a", 0, 1)
	return err == nil
}
