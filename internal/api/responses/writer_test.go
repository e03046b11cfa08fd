package responses

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/api/logprobs"
)

// written runs a script on a writer and returns its events as JSON.
func written(t *testing.T, script func(*writer)) []string {
	t.Helper()
	var events []string
	w := &writer{answer: &answer{ID: "resp_1", Object: "response"}}
	w.send = func(e event) error {
		raw, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		events = append(events, string(raw))
		return nil
	}
	w.begin()
	script(w)
	if w.err != nil {
		t.Fatal(w.err)
	}
	return events
}

// summaries keep of each event what its type promises: type, place and text.
func summaries(t *testing.T, events []string) []string {
	t.Helper()
	var out []string
	for i, raw := range events {
		var e struct {
			Type      string
			Sequence  int  `json:"sequence_number"`
			Output    *int `json:"output_index"`
			Content   *int `json:"content_index"`
			Delta     *string
			Text      *string
			Arguments *string
			Item      *item
		}
		if err := json.Unmarshal([]byte(raw), &e); err != nil || e.Sequence != i {
			t.Fatalf("event %d: %s: %v", i, raw, err)
		}
		s := strings.TrimPrefix(e.Type, "response.")
		if e.Output != nil {
			s += fmt.Sprintf(" %d", *e.Output)
		}
		if e.Content != nil {
			s += fmt.Sprintf(".%d", *e.Content)
		}
		if e.Item != nil {
			s += " " + e.Item.Type + " " + e.Item.Status
		}
		for _, text := range []*string{e.Delta, e.Text, e.Arguments} {
			if text != nil {
				s += fmt.Sprintf(" %q", *text)
			}
		}
		out = append(out, s)
	}
	return out
}

func TestEventsOfAnAnswer(t *testing.T) {
	for _, tt := range []struct {
		name   string
		script func(*writer)
		want   []string
	}{
		{"text", func(w *writer) {
			w.addText("Hel", nil)
			w.addText("lo", nil)
			w.finish("", tokenUsage{}, 2)
		}, []string{
			"created", "in_progress", "output_item.added 0 message in_progress", "content_part.added 0.0",
			`output_text.delta 0.0 "Hel"`, `output_text.delta 0.0 "lo"`, `output_text.done 0.0 "Hello"`, "content_part.done 0.0",
			"output_item.done 0 message completed", "completed",
		}},
		{"nothing", func(w *writer) { w.finish("", tokenUsage{}, 2) }, []string{
			"created", "in_progress", "output_item.added 0 message in_progress", "content_part.added 0.0",
			`output_text.done 0.0 ""`, "content_part.done 0.0", "output_item.done 0 message completed", "completed",
		}},
		{"reasoning, text and two calls, the last of them cut", func(w *writer) {
			w.addReasoning("Hm.")
			w.addText("I ask.", nil)
			w.addCall("call_a", "f")
			w.addArguments(`{"x":`)
			w.addArguments(`1}`)
			w.addCall("call_b", "g")
			w.addArguments(`{"y`)
			w.finish("max_output_tokens", tokenUsage{}, 2)
		}, []string{
			"created", "in_progress",
			"output_item.added 0 reasoning in_progress", "content_part.added 0.0", `reasoning_text.delta 0.0 "Hm."`,
			`reasoning_text.done 0.0 "Hm."`, "content_part.done 0.0", "output_item.done 0 reasoning completed",
			"output_item.added 1 message in_progress", "content_part.added 1.0", `output_text.delta 1.0 "I ask."`,
			`output_text.done 1.0 "I ask."`, "content_part.done 1.0", "output_item.done 1 message completed",
			`output_item.added 2 function_call in_progress`, `function_call_arguments.delta 2 "{\"x\":"`, `function_call_arguments.delta 2 "1}"`,
			`function_call_arguments.done 2 "{\"x\":1}"`, "output_item.done 2 function_call completed",
			"output_item.added 3 function_call in_progress", `function_call_arguments.delta 3 "{\"y"`,
			`function_call_arguments.done 3 "{\"y"`, "output_item.done 3 function_call incomplete", "incomplete",
		}},
		{"a failure", func(w *writer) {
			w.addText("Hel", nil)
			w.fail(problem{Code: "server_error", Message: "the server stops"})
		}, []string{
			"created", "in_progress", "output_item.added 0 message in_progress", "content_part.added 0.0", `output_text.delta 0.0 "Hel"`, "failed",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := summaries(t, written(t, tt.script))
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
		})
	}
}

// TestLastEventCarriesTheWholeAnswer: clients that read only the last event miss
// nothing, and an answer that is not streamed is the same object.
func TestLastEventCarriesTheWholeAnswer(t *testing.T) {
	script := func(w *writer) {
		w.addText("A", []logprobs.Token{{Logprob: logprobs.Logprob{Token: "A", Bytes: []int{65}}}})
		w.addCall("call_a", "f")
		w.addArguments("{}")
		w.finish("", tokenUsage{Input: 3, Output: 2, Total: 5}, 2)
	}
	events := written(t, script)
	whole := &writer{answer: &answer{ID: "resp_1", Object: "response"}}
	whole.begin()
	script(whole)
	want, err := json.Marshal(whole.answer)
	if err != nil {
		t.Fatal(err)
	}
	var last struct{ Response json.RawMessage }
	if err := json.Unmarshal([]byte(events[len(events)-1]), &last); err != nil || string(last.Response) != string(want) {
		t.Errorf("%s, %v, want %s", last.Response, err, want)
	}
	for _, part := range []string{`"text":"A","annotations":[],"logprobs":[{"token":"A"`, `"call_id":"call_a","name":"f","arguments":"{}"`, `"status":"completed"`} {
		if !strings.Contains(string(want), part) {
			t.Errorf("%s does not have %s", want, part)
		}
	}
}

func TestWriterSendsNothingAfterAFailedSend(t *testing.T) {
	gone := errors.New("the client has gone")
	sent := 0
	w := &writer{answer: &answer{ID: "resp_1"}, send: func(event) error {
		sent++
		return gone
	}}
	w.begin()
	w.addText("x", nil)
	if sent != 1 || !errors.Is(w.err, gone) {
		t.Errorf("%d events sent, error %v", sent, w.err)
	}
}
