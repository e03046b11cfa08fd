package api

import (
	"bufio"
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// streamed are the streaming APIs: a request of each, the line of its heartbeat, and of its
// error.
var streamed = map[string]struct{ body, beat, failed string }{
	"/v1/chat/completions": {`{"messages":[{"role":"user","content":"x"}],"stream":true}`, ": waiting", `data: {"error":`},
	"/v1/completions":      {`{"prompt":"x","stream":true}`, ": waiting", `data: {"error":`},
	"/v1/responses":        {`{"input":"x","stream":true}`, ": waiting", "event: error"},
	"/v1/messages":         {`{"messages":[{"role":"user","content":"x"}],"max_tokens":9,"stream":true}`, "event: ping", "event: error"},
}

// TestStalledStreamsBegin: while the experts give no answer, a client has the header and the
// first bytes of its stream before the engine's first token, and in no time; a heartbeat every
// 15 s; then the answer, or an error event if there is none.
func TestStalledStreamsBegin(t *testing.T) {
	for path, api := range streamed {
		for _, fails := range []bool{false, true} {
			b := apitest.New(t, chat.KarakuriTemplate, nil)
			b.Engine.Script = func(engine.Request) enginetest.Script { return enginetest.Script{Hold: true} }
			b.Config.Deadline = time.Hour
			h := Handler(Config{Config: b.Config}, func() bool { return true })
			synctest.Test(t, func(t *testing.T) {
				began := time.Now()
				conn := apitest.Dial(t, h)
				go fmt.Fprintf(conn, "POST %s HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n%s", path, len(api.body), api.body)
				response, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					t.Fatal(err)
				}
				if kind := response.Header.Get("Content-Type"); response.StatusCode != 200 || kind != "text/event-stream" || time.Since(began) != 0 {
					t.Fatalf("%s: %d %s after %v", path, response.StatusCode, kind, time.Since(began))
				}
				lines := bufio.NewScanner(response.Body)
				if !lines.Scan() || lines.Text() != ": waiting" || time.Since(began) != 0 {
					t.Fatalf("%s: the first line is %q, after %v", path, lines.Text(), time.Since(began))
				}
				for beats := 1; beats <= 4 && lines.Scan(); {
					if since := time.Since(began); since == 0 {
						continue // events that begin the answer
					} else if lines.Text() == api.beat {
						if since != time.Duration(beats)*httpapi.DefaultHeartbeat {
							t.Errorf("%s: heartbeat %d after %v", path, beats, since)
						}
						beats++
					}
				}
				last := engine.Event{Token: -1, Finish: engine.Stop}
				if fails {
					last = engine.Event{Err: context.DeadlineExceeded}
				}
				b.Engine.Calls()[0].End(last)
				var rest strings.Builder
				for lines.Scan() {
					rest.WriteString(lines.Text() + "\n")
				}
				if lines.Err() != nil || strings.Contains(rest.String(), api.failed) != fails {
					t.Errorf("%s, fails %v: ends with %s, %v", path, fails, rest.String(), lines.Err())
				}
			})
		}
	}
}
