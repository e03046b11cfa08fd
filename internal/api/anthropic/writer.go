package anthropic

import (
	"encoding/json"
	"strings"
)

// event is a server-sent event. Each type has its own keys.
type event struct {
	Type    string      `json:"type"`
	Message *message    `json:"message,omitempty"`
	Index   *int        `json:"index,omitempty"`
	Block   *block      `json:"content_block,omitempty"`
	Delta   any         `json:"delta,omitempty"`
	Usage   *tokenUsage `json:"usage,omitempty"`
}

// delta is what a block grows by.
type delta struct {
	Type     string  `json:"type"`
	Text     *string `json:"text,omitempty"`
	Thinking *string `json:"thinking,omitempty"`
	JSON     *string `json:"partial_json,omitempty"`
}

// writer builds a message from the parts of an answer and reports every change as
// an event. A whole message is built in the same way, and sends no event.
type writer struct {
	message *message
	// send delivers an event and keeps none of it; nil delivers nothing.
	send func(event) error
	err  error // the first of send
	open bool  // the last block of the message grows
	text strings.Builder
}

// emit sends an event, unless one before could not be sent.
func (w *writer) emit(e event) {
	if w.send != nil && w.err == nil {
		w.err = w.send(e)
	}
}

// emitBlock sends an event about the last block.
func (w *writer) emitBlock(e event) {
	index := len(w.message.Content) - 1
	e.Index = &index
	w.emit(e)
}

// begin sends the message without content. A ping follows, as at Anthropic:
// clients may wait for it.
func (w *writer) begin() {
	w.message.Content = []block{}
	w.emit(event{Type: "message_start", Message: w.message})
	w.emit(event{Type: "ping"})
}

// grows reports whether the last block is of a type and not ended.
func (w *writer) grows(kind string) bool {
	return w.open && w.message.Content[len(w.message.Content)-1].Type == kind
}

// add ends the block that grows and begins another.
func (w *writer) add(b block) {
	w.close()
	w.message.Content = append(w.message.Content, b)
	w.open = true
	w.emitBlock(event{Type: "content_block_start", Block: &b})
}

// grow appends text to the block that grows.
func (w *writer) grow(text string, d delta) {
	w.text.WriteString(text)
	w.emitBlock(event{Type: "content_block_delta", Delta: d})
}

// addText appends text to a text block.
func (w *writer) addText(text string) {
	if !w.grows(typeText) {
		w.add(block{Type: typeText, Text: new(string)})
	}
	w.grow(text, delta{Type: "text_delta", Text: &text})
}

// addThinking appends text to a thinking block.
func (w *writer) addThinking(text string) {
	if !w.grows(typeThinking) {
		w.add(block{Type: typeThinking, Thinking: new(string), Signature: new(string)})
	}
	w.grow(text, delta{Type: "thinking_delta", Thinking: &text})
}

// addToolUse begins the use of a tool.
func (w *writer) addToolUse(id, name string) {
	w.add(block{Type: typeToolUse, ID: id, Name: name, Input: emptyObject})
}

// addInput appends to the input of the tool's use that grows.
func (w *writer) addInput(text string) {
	w.grow(text, delta{Type: "input_json_delta", JSON: &text})
}

// emptyObject is the input of a tool's use before it grows.
var emptyObject = json.RawMessage("{}")

// close ends the block that grows, if there is one. An input that max_tokens cut
// is no JSON: the message then has an empty one.
func (w *writer) close() {
	if !w.open {
		return
	}
	text := w.text.String()
	w.text.Reset()
	switch b := &w.message.Content[len(w.message.Content)-1]; {
	case b.Type == typeText:
		b.Text = &text
	case b.Type == typeThinking:
		b.Thinking = &text
	case json.Valid([]byte(text)):
		b.Input = json.RawMessage(text)
	}
	w.emitBlock(event{Type: "content_block_stop"})
	w.open = false
}

// finish ends the message. One without content has an empty text, so that clients
// which read the first block find it.
func (w *writer) finish(e ending, used tokenUsage) {
	if len(w.message.Content) == 0 {
		w.add(block{Type: typeText, Text: new(string)})
	}
	w.close()
	w.message.ending, w.message.Usage = e, used
	w.emit(event{Type: "message_delta", Delta: e, Usage: &used})
	w.emit(event{Type: "message_stop"})
}
