package anthropic

import (
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"
)

// written runs a script on a writer that sends, and on one that does not, and
// returns the events and the whole message, as JSON.
func written(t *testing.T, script func(*writer)) (events []string, whole string) {
	t.Helper()
	encode := func(v any) string {
		raw, err := json.Marshal(v)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	streams := &writer{message: &message{ID: "msg_1", Type: "message", Role: "assistant"}}
	streams.send = func(e event) error {
		events = append(events, encode(e))
		return nil
	}
	silent := &writer{message: &message{ID: "msg_1", Type: "message", Role: "assistant"}}
	for _, w := range []*writer{streams, silent} {
		w.begin()
		script(w)
		if w.err != nil {
			t.Fatal(w.err)
		}
	}
	return events, encode(silent.message)
}

func TestEventsOfAMessage(t *testing.T) {
	const start = `{"type":"message_start","message":{"id":"msg_1","type":"message","role":"assistant","model":"","content":[],"stop_reason":null,"stop_sequence":null,` +
		`"usage":{"input_tokens":0,"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"output_tokens":0}}}`
	const usage = `"usage":{"input_tokens":3,"cache_creation_input_tokens":0,"cache_read_input_tokens":4,"output_tokens":5}`
	used := tokenUsage{Input: 3, Cached: 4, Output: 5}
	because := func(reason string) ending { return ending{Reason: &reason} }
	for _, tt := range []struct {
		name   string
		script func(*writer)
		want   []string
		whole  string // its content
	}{
		{"text", func(w *writer) {
			w.addText("Hel")
			w.addText("lo")
			w.finish(because(endTurn), used)
		}, []string{
			start, `{"type":"ping"}`,
			`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"Hel"}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"text_delta","text":"lo"}}`,
			`{"type":"content_block_stop","index":0}`,
			`{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},` + usage + `}`,
			`{"type":"message_stop"}`,
		}, `[{"type":"text","text":"Hello"}]`},
		{"nothing", func(w *writer) { w.finish(because(endTurn), used) }, []string{
			start, `{"type":"ping"}`,
			`{"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}`,
			`{"type":"content_block_stop","index":0}`,
			`{"type":"message_delta","delta":{"stop_reason":"end_turn","stop_sequence":null},` + usage + `}`,
			`{"type":"message_stop"}`,
		}, `[{"type":"text","text":""}]`},
		{"thinking and two uses of tools, the last of them cut", func(w *writer) {
			w.addThinking("Hm.")
			w.addToolUse("call_a", "f")
			w.addInput(`{"x":`)
			w.addInput(`1}`)
			w.addToolUse("call_b", "g")
			w.addInput(`{"y`)
			w.finish(because(maxTokens), used)
		}, []string{
			start, `{"type":"ping"}`,
			`{"type":"content_block_start","index":0,"content_block":{"type":"thinking","thinking":"","signature":""}}`,
			`{"type":"content_block_delta","index":0,"delta":{"type":"thinking_delta","thinking":"Hm."}}`,
			`{"type":"content_block_stop","index":0}`,
			`{"type":"content_block_start","index":1,"content_block":{"type":"tool_use","id":"call_a","name":"f","input":{}}}`,
			`{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"{\"x\":"}}`,
			`{"type":"content_block_delta","index":1,"delta":{"type":"input_json_delta","partial_json":"1}"}}`,
			`{"type":"content_block_stop","index":1}`,
			`{"type":"content_block_start","index":2,"content_block":{"type":"tool_use","id":"call_b","name":"g","input":{}}}`,
			`{"type":"content_block_delta","index":2,"delta":{"type":"input_json_delta","partial_json":"{\"y"}}`,
			`{"type":"content_block_stop","index":2}`,
			`{"type":"message_delta","delta":{"stop_reason":"max_tokens","stop_sequence":null},` + usage + `}`,
			`{"type":"message_stop"}`,
		}, `[{"type":"thinking","thinking":"Hm.","signature":""},{"type":"tool_use","id":"call_a","name":"f","input":{"x":1}},` +
			`{"type":"tool_use","id":"call_b","name":"g","input":{}}]`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, whole := written(t, tt.script)
			if !slices.Equal(got, tt.want) {
				t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(tt.want, "\n"))
			}
			if !strings.Contains(whole, `"content":`+tt.whole+`,"stop_reason":"`) || !strings.HasSuffix(whole, usage+"}") {
				t.Errorf("the whole message is %s", whole)
			}
		})
	}
}

func TestWriterSendsNothingAfterAFailedSend(t *testing.T) {
	gone := errors.New("the client has gone")
	sent := 0
	w := &writer{message: &message{ID: "msg_1"}, send: func(event) error {
		sent++
		return gone
	}}
	w.begin()
	w.addText("x")
	if sent != 1 || !errors.Is(w.err, gone) {
		t.Errorf("%d events sent, error %v", sent, w.err)
	}
}
