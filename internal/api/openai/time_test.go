package openai

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
)

// say writes a request of which the body may be shorter than it claims.
func say(t *testing.T, c net.Conn, body string, length int) {
	t.Helper()
	_, err := fmt.Fprintf(c, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s", textPath, length, body)
	if err != nil {
		t.Fatal(err)
	}
}

func TestSlowBodyIsGivenUp(t *testing.T) {
	b := newBench(t, nil)
	synctest.Test(t, func(t *testing.T) {
		c := apitest.Dial(t, b)
		began := time.Now()
		say(t, c, `{"prompt":`, 100)
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		raw, _ := io.ReadAll(response.Body)
		if response.StatusCode != 408 || !strings.Contains(string(raw), `"code":"request_timeout"`) || time.Since(began) != httpapi.BodyWithin {
			t.Errorf("after %v: %d %s", time.Since(began), response.StatusCode, raw)
		}
	})
}

// TestFirstTokenCountsFromTheArrival of the request, not of its whole body.
func TestFirstTokenCountsFromTheArrival(t *testing.T) {
	b := newBench(t, saying("x"))
	var first []time.Duration
	b.observe.FirstToken = func(d time.Duration, _ string) { first = append(first, d) }
	b.serve()
	synctest.Test(t, func(t *testing.T) {
		c := apitest.Dial(t, b)
		say(t, c, `{"prompt":`, 14)
		time.Sleep(5 * time.Second)
		if _, err := io.WriteString(c, `"x"}`); err != nil {
			t.Fatal(err)
		}
		response, err := http.ReadResponse(bufio.NewReader(c), nil)
		if err != nil || response.StatusCode != 200 {
			t.Fatal(response, err)
		}
		if len(first) != 1 || first[0] != 5*time.Second {
			t.Errorf("first tokens after %v", first)
		}
	})
}

// TestStreamOutlivesTheTimeForItsBody: the bound on reading does not end the
// answer, and the server still notices when the client goes.
func TestStreamOutlivesTheTimeForItsBody(t *testing.T) {
	b := newBench(t, func(*bench, engine.Request) enginetest.Script { return enginetest.Script{Hold: true} })
	b.deadline = time.Hour
	b.serve()
	synctest.Test(t, func(t *testing.T) {
		c := apitest.Dial(t, b)
		body := `{"prompt":"x","stream":true}`
		say(t, c, body, len(body))
		go func() {
			time.Sleep(10 * httpapi.BodyWithin)
			b.engine.Calls()[0].Push(engine.Event{Token: 1526})
			time.Sleep(10 * httpapi.BodyWithin)
			c.Close()
		}()
		raw, err := io.ReadAll(c)
		if !strings.Contains(string(raw), `" world"`) || err == nil {
			t.Errorf("%s, %v", raw, err)
		}
		<-b.engine.Calls()[0].Done
		if err := b.engine.Calls()[0].Err; !errors.Is(err, context.Canceled) {
			t.Errorf("ended with %v", err)
		}
	})
}

// TestDeafClientIsCutOff: a client that does not read holds its handler no
// longer than the deadline and a little.
func TestDeafClientIsCutOff(t *testing.T) {
	b := newBench(t, func(b *bench, _ engine.Request) enginetest.Script {
		return enginetest.Script{Tokens: b.tokenizer.Encode(strings.Repeat("word ", 100)), Hold: true}
	})
	synctest.Test(t, func(t *testing.T) {
		finished := make(chan time.Time, 1)
		b.finished = func() { finished <- time.Now() }
		c := apitest.Dial(t, b)
		began := time.Now()
		body := `{"prompt":"x","stream":true}`
		say(t, c, body, len(body))
		if took := (<-finished).Sub(began); took != b.deadline+httpapi.WriteWithin {
			t.Errorf("cut off after %v, want %v", took, b.deadline+httpapi.WriteWithin)
		}
		<-b.engine.Calls()[0].Done
	})
}

func TestDeadlineOfTheServer(t *testing.T) {
	b := newBench(t, func(*bench, engine.Request) enginetest.Script { return enginetest.Script{Hold: true} })
	synctest.Test(t, func(t *testing.T) {
		for body, want := range map[string]time.Duration{
			`{"prompt":"x"}`:                  b.deadline,
			`{"prompt":"x","timeout":1e9}`:    b.deadline,
			`{"prompt":"x","timeout":0.25}`:   250 * time.Millisecond,
			`{"prompt":"x","n":3,"stop":"y"}`: b.deadline,
		} {
			began := time.Now()
			if w := b.post(textPath, body); w.Code != 504 || time.Since(began) != want {
				t.Errorf("%s: %d after %v, want 504 after %v", body, w.Code, time.Since(began), want)
			}
		}
	})
}
