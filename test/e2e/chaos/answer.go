package chaos

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// ask returns everything of an answer that must not depend on faults, as JSON. How a
// stream is cut into chunks may depend on them.
func ask(ctx context.Context, url string, r request) (string, error) {
	post, err := http.NewRequestWithContext(ctx, http.MethodPost, url+r.path, strings.NewReader(r.body))
	if err != nil {
		return "", err
	}
	post.Header.Set("Content-Type", "application/json")
	response, err := http.DefaultClient.Do(post)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		raw, _ := io.ReadAll(response.Body)
		return "", fmt.Errorf("%s: %s", response.Status, raw)
	}
	chunks, err := read(response)
	if err != nil {
		return "", err
	}
	return join(chunks)
}

// read returns the JSON values of an answer, in order.
func read(response *http.Response) (out [][]byte, err error) {
	if !strings.HasPrefix(response.Header.Get("Content-Type"), "text/event-stream") {
		raw, err := io.ReadAll(response.Body)
		return [][]byte{raw}, err
	}
	lines := bufio.NewScanner(response.Body)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := bytes.CutPrefix(lines.Bytes(), []byte("data: "))
		switch {
		case !ok:
		case string(data) == "[DONE]":
			return out, nil
		default:
			out = append(out, bytes.Clone(data))
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	return nil, fmt.Errorf("the stream ended without [DONE], after %d chunks", len(out))
}

// chunk is what is compared of a value of an answer.
type chunk struct {
	Error   json.RawMessage `json:"error"`
	Choices []struct {
		Index   int     `json:"index"`
		Delta   message `json:"delta"`
		Message message `json:"message"`
		Text    string  `json:"text"`
		Reason  string  `json:"finish_reason"`
		// Logs are lists of equal length, by what they tell of each token.
		Logs map[string][]any `json:"logprobs"`
	} `json:"choices"`
}

type message struct {
	Content string `json:"content"`
	Calls   []struct {
		Index    int    `json:"index"`
		ID       string `json:"id"`
		Function struct {
			Name      string `json:"name"`
			Arguments string `json:"arguments"`
		} `json:"function"`
	} `json:"tool_calls"`
}

// choice is one answer of a request, joined.
type choice struct {
	Text, Calls, Reason string
	Logs                map[string][]any
}

// join puts the chunks of each choice together.
func join(chunks [][]byte) (string, error) {
	all := map[int]*choice{}
	for _, raw := range chunks {
		var c chunk
		if err := json.Unmarshal(raw, &c); err != nil {
			return "", fmt.Errorf("%w in %s", err, raw)
		}
		if len(c.Error) > 0 && string(c.Error) != "null" {
			return "", fmt.Errorf("an error in the stream: %s", c.Error)
		}
		for _, part := range c.Choices {
			to := all[part.Index]
			if to == nil {
				to = &choice{Logs: map[string][]any{}}
				all[part.Index] = to
			}
			to.Text += part.Text
			to.Reason += part.Reason
			for _, m := range []message{part.Delta, part.Message} {
				to.Text += m.Content
				for _, call := range m.Calls {
					to.Calls += call.ID + call.Function.Name + call.Function.Arguments
				}
			}
			for key, list := range part.Logs {
				to.Logs[key] = append(to.Logs[key], list...)
			}
		}
	}
	raw, err := json.Marshal(all)
	return string(raw), err
}
