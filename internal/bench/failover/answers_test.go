package failover

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/mix"
)

// TestAnswersAreReadToTheirEnd: the arrival of each part of each answer of a stream
// is noted, a changed byte differs, and half a stream fails.
func TestAnswersAreReadToTheirEnd(t *testing.T) {
	text, end := "b", "data: [DONE]\n\n"
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(w, ": a comment\n\ndata: {\"choices\":[{\"index\":0,\"text\":\"a\"}]}\n\ndata: {\"choices\":[{\"index\":1,\"text\":\"x\"}]}\n\n")
		fmt.Fprintf(w, "data: {\"choices\":[{\"index\":1,\"text\":\"\"}]}\n\ndata: {\"choices\":[{\"index\":0,\"text\":%q}]}\n\n%s", text, end)
	}))
	defer server.Close()
	load := answers{url: server.URL, requests: []mix.Request{{Path: "/", Body: "{}", Stream: true}}}
	begun := 0
	want, err := load.run(t.Context(), func() { begun++ })
	if err != nil || begun != 1 {
		t.Fatalf("%v, begun %d times", err, begun)
	}
	if tracks := want[0].tracks; len(tracks) != 2 || len(tracks[0]) != 2 || len(tracks[1]) != 1 {
		t.Errorf("parts came at %v", tracks)
	}
	if got := want[0].gaps(time.Time{}, 0); len(got) != 1 {
		t.Errorf("gaps %v", got)
	}
	text = "c"
	got, err := load.run(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	if err := differ(got, want); err == nil || !strings.Contains(err.Error(), "request 0: the answer differs") {
		t.Errorf("another text: %v", err)
	}
	end = ""
	if _, err := load.run(t.Context(), nil); err == nil || !strings.Contains(err.Error(), "without its end") {
		t.Errorf("half a stream: %v", err)
	}
}

// TestMovesAreOfTheMeasurement and not of what was before.
func TestMovesAreOfTheMeasurement(t *testing.T) {
	part := func(name string) string { return fmt.Sprintf("hachi_gateway_stall_part_seconds_total{part=%q}", name) }
	before := map[string]float64{"hachi_gateway_stall_seconds_count": 2, part("noticing"): 1}
	after := map[string]float64{
		"hachi_gateway_stall_seconds_count": 6, part("noticing"): 3, part("waiting"): 0.4, part("asking"): 0.8, part("drawing"): 4,
	}
	if got, want := movesOf(before, after), (Moves{4, 500, 100, 200, 1000}); got != want {
		t.Errorf("%+v, want %+v", got, want)
	}
	if got := movesOf(after, after); got != (Moves{}) {
		t.Errorf("%+v, want nothing", got)
	}
}
