package httpapi

import (
	"errors"
	"io"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hachi-serve/hachi/internal/api/failure"
)

// timed is an answer that notes when it was written, in a bubble's own time.
type timed struct {
	header http.Header
	began  time.Time
	status time.Duration
	writes []string
	at     []time.Duration
	broken error // of every write but the first
}

func (w *timed) Header() http.Header { return w.header }
func (w *timed) WriteHeader(int)     { w.status = time.Since(w.began) }
func (w *timed) Flush()              {}
func (w *timed) Write(p []byte) (int, error) {
	if w.broken != nil && len(w.writes) > 0 {
		return 0, w.broken
	}
	w.writes, w.at = append(w.writes, string(p)), append(w.at, time.Since(w.began))
	return len(p), nil
}

// stream serves one streamed request.
func stream(heartbeat time.Duration, ask func(c *Call, out *Stream) error) *timed {
	w := &timed{header: http.Header{}, began: time.Now()}
	r, _ := http.NewRequest(http.MethodPost, "/v1/ask", io.NopCloser(strings.NewReader(`{}`)))
	c := config(time.Hour)
	c.Heartbeat = heartbeat
	serving(c, func(c *Call) error {
		out, err := c.Stream(testStream)
		if err != nil {
			return err
		}
		return ask(c, out)
	}).ServeHTTP(w, r)
	return w
}

// TestAClientThatLeavesAStreamIsNoFault of the process: its request was canceled.
func TestAClientThatLeavesAStreamIsNoFault(t *testing.T) {
	w := &timed{header: http.Header{}, broken: syscall.EPIPE}
	out, err := newStream(&answer{ResponseWriter: w}, time.Hour, testStream)
	if err != nil {
		t.Fatal(err)
	}
	defer out.close()
	err = out.SendText("hello")
	if !errors.Is(err, syscall.EPIPE) || ours(err) || failure.Classify(err).Status != failure.StatusClientGone {
		t.Errorf("error %v of class %+v, want that the client has gone", err, failure.Classify(err))
	}
}

// TestSilentStreamBeats: the header and a comment at once, a comment after each
// silence, none after the end.
func TestSilentStreamBeats(t *testing.T) {
	for given, every := range map[time.Duration]time.Duration{0: 15 * time.Second, time.Second: time.Second} {
		synctest.Test(t, func(t *testing.T) {
			w := stream(given, func(_ *Call, out *Stream) error {
				time.Sleep(2*every + every/2) // two comments
				if err := out.Send(Event{Data: "x"}); err != nil {
					return err
				}
				time.Sleep(every + every/2) // one, after the event
				return out.SendText("[DONE]")
			})
			time.Sleep(10 * every)
			const beat = ": waiting\n\n"
			want := []string{beat, beat, beat, "data: \"x\"\n\n", beat, "data: [DONE]\n\n"}
			at := []time.Duration{0, every, 2 * every, 2*every + every/2, 3*every + every/2, 4 * every}
			if w.status != 0 || len(w.writes) != len(want) {
				t.Fatalf("header after %v, then %q at %v", w.status, w.writes, w.at)
			}
			for i := range want {
				if w.writes[i] != want[i] || w.at[i] != at[i] {
					t.Errorf("write %d is %q after %v, want %q after %v", i, w.writes[i], w.at[i], want[i], at[i])
				}
			}
		})
	}
}

// TestFailureOfASilentStreamIsAnEvent, the last one, in the API's shape.
func TestFailureOfASilentStreamIsAnEvent(t *testing.T) {
	for name, fail := range map[string]func(c *Call) error{
		"error":    func(*Call) error { return errors.New("failed") },
		"deadline": func(c *Call) error { <-c.Context.Done(); return c.Context.Err() },
		"panic":    func(*Call) error { panic("broken") },
	} {
		synctest.Test(t, func(t *testing.T) {
			w := stream(0, func(c *Call, _ *Stream) error {
				time.Sleep(20 * time.Second)
				return fail(c)
			})
			time.Sleep(time.Minute)
			last := w.writes[len(w.writes)-1]
			if !strings.HasPrefix(last, "event: error\ndata: {") || !strings.Contains(last, w.header.Get(IDHeader)) || strings.Contains(strings.Join(w.writes, ""), "[DONE]") {
				t.Errorf("%s: %q", name, w.writes)
			}
		})
	}
}
