package openai

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"

	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
)

// chunk is what clients read of any event.
type chunk struct {
	ID      string `json:"id"`
	Object  string `json:"object"`
	Created int64  `json:"created"`
	Choices []struct {
		Index int     `json:"index"`
		Text  *string `json:"text"`
		Delta *struct {
			Role    string  `json:"role"`
			Content *string `json:"content"`
		} `json:"delta"`
		Finish   *string         `json:"finish_reason"`
		Logprobs json.RawMessage `json:"logprobs"`
	} `json:"choices"`
	Usage json.RawMessage `json:"usage"`
	Error json.RawMessage `json:"error"`
}

// chunks splits a stream into its events, and checks their framing.
func chunks(t *testing.T, w *httptest.ResponseRecorder) (out []chunk, done bool) {
	t.Helper()
	if w.Code != 200 || w.Header().Get("Content-Type") != "text/event-stream" || w.Header().Get("Cache-Control") != "no-cache" {
		t.Fatalf("%d %v %s", w.Code, w.Header(), w.Body)
	}
	body, ok := strings.CutSuffix(w.Body.String(), "\n\n")
	if !ok {
		t.Fatalf("%q does not end with an empty line", w.Body)
	}
	for _, event := range strings.Split(body, "\n\n") {
		if strings.HasPrefix(event, ":") {
			continue // a comment
		}
		data, ok := strings.CutPrefix(event, "data: ")
		if !ok || done || strings.Contains(data, "\n") {
			t.Fatalf("event %q", event)
		}
		if data == "[DONE]" {
			done = true
			continue
		}
		var c chunk
		if err := json.Unmarshal([]byte(data), &c); err != nil {
			t.Fatalf("event %q: %v", event, err)
		}
		out = append(out, c)
	}
	return out, done
}

func TestChatStream(t *testing.T) {
	b := newBench(t, saying("Hello 八 <b>"))
	got, done := chunks(t, b.post(chatPath, `{`+user+`,"stream":true,"n":2,"stream_options":{"include_usage":true}}`))
	texts, finishes := make([]string, 2), make([]string, 2)
	greeted := make([]bool, 2)
	for i, c := range got {
		if c.ID != got[0].ID || c.Created != got[0].Created || c.Object != "chat.completion.chunk" || !strings.HasPrefix(c.ID, "chatcmpl-") {
			t.Errorf("chunk %d: %+v", i, c)
		}
		if i == len(got)-1 {
			if len(c.Choices) != 0 || c.Choices == nil || !strings.Contains(string(c.Usage), `"completion_tokens":`) {
				t.Errorf("the last chunk is %+v", c)
			}
			continue
		}
		if len(c.Choices) != 1 || string(c.Usage) != "null" || c.Choices[0].Delta == nil {
			t.Fatalf("chunk %d: %+v", i, c)
		}
		one := c.Choices[0]
		if first := !greeted[one.Index]; first != (one.Delta.Role == "assistant") {
			t.Errorf("chunk %d has role %q", i, one.Delta.Role)
		}
		greeted[one.Index] = true
		if one.Delta.Content != nil {
			texts[one.Index] += *one.Delta.Content
		}
		if one.Finish != nil {
			finishes[one.Index] = *one.Finish
		}
	}
	if !done || texts[0] != "Hello 八 <b>" || texts[1] != texts[0] || finishes[0] != "stop" || finishes[1] != "stop" {
		t.Errorf("texts %q, finishes %q, done %v", texts, finishes, done)
	}
}

// TestStreamsWithoutUsageDoNotMentionIt as clients check for the key.
func TestStreamsWithoutUsageDoNotMentionIt(t *testing.T) {
	b := newBench(t, saying("x"))
	for _, path := range []string{chatPath, textPath} {
		body := `{` + user + `,"stream":true}`
		if path == textPath {
			body = `{"prompt":"x","stream":true}`
		}
		if w := b.post(path, body); strings.Contains(w.Body.String(), "usage") {
			t.Errorf("%s: %s", path, w.Body)
		}
	}
}

func TestCompletionStream(t *testing.T) {
	b := newBench(t, saying("world two"))
	got, done := chunks(t, b.post(textPath, `{"prompt":"Hello","stream":true,"echo":true,"logprobs":1}`))
	var text, finish string
	var offsets []int
	for _, c := range got {
		text += *c.Choices[0].Text
		var l textLogprobsShape
		if err := json.Unmarshal(c.Choices[0].Logprobs, &l); err != nil {
			t.Fatal(err)
		}
		offsets = append(offsets, l.Offsets...)
		if c.Choices[0].Finish != nil {
			finish = *c.Choices[0].Finish
		}
	}
	if !done || text != "Hello world two" || finish != "stop" || fmt.Sprint(offsets) != "[0 0 5 11]" {
		t.Errorf("%q, finish %q, offsets %v, done %v", text, finish, offsets, done)
	}
}

// TestFailureBeforeTheFirstEvent is an event: the header is sent when the engine
// has taken the request on.
func TestFailureBeforeTheFirstEvent(t *testing.T) {
	b := newBench(t, func(*bench, engine.Request) enginetest.Script { return enginetest.Script{Err: errInjected} })
	w := b.post(chatPath, `{`+user+`,"stream":true}`)
	got, done := chunks(t, w)
	if done || len(got) != 1 || !strings.Contains(string(got[0].Error), `"message":"`+errInjected.Error()+`","type":"server_error"`) {
		t.Errorf("%s", w.Body)
	}
}

// TestFailureInTheMiddle: what was said stays said, then comes an error event
// and no [DONE].
func TestFailureInTheMiddle(t *testing.T) {
	b := newBench(t, nil)
	b.engine.Script = func(engine.Request) enginetest.Script {
		return enginetest.Script{Tokens: b.tokenizer.Encode("Hello world"), Hold: true}
	}
	server := httptest.NewServer(b)
	defer server.Close()
	response, err := http.Post(server.URL+chatPath, "application/json", strings.NewReader(`{`+user+`,"stream":true}`))
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	var last string
	lines := bufio.NewScanner(response.Body)
	for lines.Scan() {
		if lines.Text() != "" {
			last = lines.Text()
		}
		if strings.Contains(last, "Hello world") {
			b.engine.Calls()[0].End(engine.Event{Err: engine.ErrStopped})
		}
	}
	want := `data: {"error":{"message":"` + engine.ErrStopped.Error() + `","type":"server_error","param":null,"code":null,"request_id":"` + response.Header.Get(httpapi.IDHeader) + `"}}`
	if err := lines.Err(); err != nil || last != want {
		t.Errorf("ended with %s, %v, want %s", last, err, want)
	}
}

func TestErrorEventIsTheLast(t *testing.T) {
	b := newBench(t, func(b *bench, _ engine.Request) enginetest.Script {
		return enginetest.Script{Tokens: b.tokenizer.Encode("Hello"), Err: errInjected}
	})
	// The token and the failure come in one read, or in two.
	w := b.post(textPath, `{"prompt":"x","stream":true}`)
	if got, done := chunks(t, w); done || !strings.Contains(string(got[len(got)-1].Error), errInjected.Error()) {
		t.Errorf("%s", w.Body)
	}
	if len(b.statuses) != 1 || b.statuses[0] != "server_error" {
		t.Errorf("reported as %v", b.statuses)
	}
}

// TestGoneClientGivesUpItsSequences: the engine's requests end with the
// client's connection.
func TestGoneClientGivesUpItsSequences(t *testing.T) {
	for _, stream := range []bool{true, false} {
		reported, asked := make(chan struct{}), make(chan struct{}, 2)
		b := newBench(t, nil)
		b.engine.Script = func(engine.Request) enginetest.Script {
			asked <- struct{}{}
			return enginetest.Script{Tokens: b.tokenizer.Encode("Hello"), Hold: true}
		}
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			defer close(reported)
			b.ServeHTTP(w, r)
		}))
		ctx, cancel := context.WithCancel(t.Context())
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, server.URL+chatPath,
			strings.NewReader(fmt.Sprintf(`{%s,"n":2,"stream":%v}`, user, stream)))
		if err != nil {
			t.Fatal(err)
		}
		if stream {
			response, err := http.DefaultClient.Do(request)
			if err != nil {
				t.Fatal(err)
			}
			if _, err := bufio.NewReader(response.Body).ReadString('\n'); err != nil {
				t.Fatal(err)
			}
			defer response.Body.Close()
			cancel()
		} else {
			go func() { <-asked; <-asked; cancel() }()
			if _, err := http.DefaultClient.Do(request); !errors.Is(err, context.Canceled) {
				t.Fatal(err)
			}
		}
		<-reported
		for _, c := range b.engine.Calls() {
			<-c.Done
			if !errors.Is(c.Err, context.Canceled) {
				t.Errorf("ended with %v", c.Err)
			}
		}
		if len(b.statuses) != 1 || b.statuses[0] != "canceled" {
			t.Errorf("reported as %v", b.statuses)
		}
		cancel()
		server.Close()
	}
}

func TestFullQueueIsTooManyRequests(t *testing.T) {
	b := newBench(t, func(*bench, engine.Request) enginetest.Script {
		return enginetest.Script{Refuse: fmt.Errorf("%w: 4 requests wait", scheduler.ErrQueueFull)}
	})
	w := b.post(textPath, `{"prompt":"x","stream":true}`)
	message, kind, _, code := readError(t, w)
	if w.Code != 429 || w.Header().Get("Retry-After") != "7" || kind != "rate_limit_error" || code != "rate_limit_exceeded" || !strings.Contains(message, "4 requests") {
		t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
	}
}

// TestDeadline: the request's own, and that clients must not ask again.
func TestDeadline(t *testing.T) {
	b := newBench(t, func(*bench, engine.Request) enginetest.Script { return enginetest.Script{Hold: true} })
	synctest.Test(t, func(t *testing.T) {
		w := b.post(textPath, `{"prompt":"x","timeout":0.02}`)
		if _, kind, _, _ := readError(t, w); w.Code != 504 || kind != "timeout_error" || w.Header().Get("X-Should-Retry") != "false" {
			t.Errorf("%d %v %s", w.Code, w.Header(), w.Body)
		}
		<-b.engine.Calls()[0].Done
	})
}
