package client

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Client calls the HTTP API of one router, and of a coordinator. The zero value
// needs a URL.
type Client struct {
	// URL is the base of the router's HTTP API: http://127.0.0.1:8080.
	URL string
	// Coordinator is the base of the leading coordinator's API, for Status and
	// Drain: http://127.0.0.1:7071.
	Coordinator string
	// Model is the name that requests carry; empty asks for the router's model.
	Model string
	// Key is the API key; empty sends none.
	Key string
	// HTTP sends the requests; nil is http.DefaultClient.
	HTTP *http.Client
}

// Chat answers the last turn of a conversation.
func (c *Client) Chat(ctx context.Context, r ChatRequest) (*Answer, error) {
	return c.answer(ctx, r)
}

// Complete continues a text, or a list of tokens.
func (c *Client) Complete(ctx context.Context, r CompletionRequest) (*Answer, error) {
	return c.answer(ctx, r)
}

func (c *Client) answer(ctx context.Context, r Request) (*Answer, error) {
	resp, err := c.send(ctx, r, false)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var wire wireAnswer
	if err := json.NewDecoder(resp.Body).Decode(&wire); err != nil {
		return nil, fmt.Errorf("answer of %s: %w", r.path(), err)
	}
	return wire.answer(resp.Header.Get(requestID)), nil
}

// Tokenize encodes a text; begin puts the token that begins a text before it.
func (c *Client) Tokenize(ctx context.Context, text string, begin bool) ([]int32, error) {
	resp, err := c.post(ctx, "/tokenize", map[string]any{"prompt": text, "add_special_tokens": begin})
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	var out struct {
		Tokens []int32 `json:"tokens"`
	}
	if err := json.NewDecoder(resp.Body).Decode(&out); err != nil {
		return nil, fmt.Errorf("answer of /tokenize: %w", err)
	}
	return out.Tokens, nil
}

// Ready returns nil when the router accepts requests.
func (c *Client) Ready(ctx context.Context) error {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base(c.URL)+"/readyz", nil)
	if err != nil {
		return err
	}
	resp, err := c.do(req)
	if err != nil {
		return err
	}
	return resp.Body.Close()
}

// send posts a request in the shape of its endpoint.
func (c *Client) send(ctx context.Context, r Request, stream bool) (*http.Response, error) {
	body, err := r.body()
	if err != nil {
		return nil, err
	}
	if c.Model != "" {
		body["model"] = c.Model
	}
	if stream {
		body["stream"], body["stream_options"] = true, map[string]any{"include_usage": true}
	}
	return c.post(ctx, r.path(), body)
}

func (c *Client) post(ctx context.Context, path string, body any) (*http.Response, error) {
	raw, err := json.Marshal(body)
	if err != nil {
		return nil, fmt.Errorf("encode the request: %w", err)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base(c.URL)+path, bytes.NewReader(raw))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	return c.do(req)
}

// do turns every status but 200 into an error.
func (c *Client) do(req *http.Request) (*http.Response, error) {
	if c.Key != "" {
		req.Header.Set("Authorization", "Bearer "+c.Key)
	}
	sender := c.HTTP
	if sender == nil {
		sender = http.DefaultClient
	}
	resp, err := sender.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode == http.StatusOK {
		return resp, nil
	}
	defer resp.Body.Close()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxErrorBody))
	if err != nil {
		return nil, fmt.Errorf("status %d: read the error: %w", resp.StatusCode, err)
	}
	return nil, refusal(resp, raw)
}

func base(url string) string { return strings.TrimSuffix(url, "/") }
