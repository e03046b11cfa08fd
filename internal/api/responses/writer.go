package responses

import (
	"fmt"
	"strings"

	"github.com/hachi-serve/hachi/internal/api/logprobs"
)

// event is a server-sent event. Each type has its own keys.
type event struct {
	Type         string           `json:"type"`
	Sequence     int              `json:"sequence_number"`
	Response     *answer          `json:"response,omitempty"`
	OutputIndex  *int             `json:"output_index,omitempty"`
	Item         *item            `json:"item,omitempty"`
	ItemID       string           `json:"item_id,omitempty"`
	ContentIndex *int             `json:"content_index,omitempty"`
	Part         *part            `json:"part,omitempty"`
	Delta        *string          `json:"delta,omitempty"`
	Text         *string          `json:"text,omitempty"`
	Name         string           `json:"name,omitempty"`
	Arguments    *string          `json:"arguments,omitempty"`
	Logprobs     []logprobs.Token `json:"logprobs,omitzero"`
}

// writer builds an answer from its parts and reports every change as an event.
// A whole answer is built in the same way, and sends no event.
type writer struct {
	answer *answer
	// send delivers an event and keeps none of it; nil delivers nothing.
	send     func(event) error
	err      error // the first of send
	sequence int
	open     *item // the last of the answer's output while it grows
	text     strings.Builder
}

// emit numbers an event and sends it, unless one before could not be sent.
func (w *writer) emit(e event) {
	e.Sequence = w.sequence
	w.sequence++
	if w.send != nil && w.err == nil {
		w.err = w.send(e)
	}
}

// emitItem sends an event about the item that grows.
func (w *writer) emitItem(e event) {
	index := len(w.answer.Output) - 1
	e.OutputIndex = &index
	if e.Item == nil {
		e.ItemID = w.open.ID
	}
	w.emit(e)
}

// emitContent sends an event about the one part of the item that grows.
func (w *writer) emitContent(e event) {
	e.ContentIndex = new(int)
	w.emitItem(e)
}

// begin sends what precedes the first part.
func (w *writer) begin() {
	w.answer.Status, w.answer.Output = inProgress, []*item{}
	w.emit(event{Type: "response.created", Response: w.answer})
	w.emit(event{Type: "response.in_progress", Response: w.answer})
}

// addText appends text to the message that grows, with its tokens if the client
// asked for log probabilities.
func (w *writer) addText(text string, tokens []logprobs.Token) {
	if !w.speaks() {
		w.add(&item{Type: typeMessage, Role: "assistant", Content: []part{}}, "msg")
		w.addPart(part{Type: outputText, Annotations: []none{}, Logprobs: []logprobs.Token{}})
	}
	w.text.WriteString(text)
	content := &w.open.Content[0]
	content.Logprobs = append(content.Logprobs, tokens...)
	if tokens == nil {
		tokens = []logprobs.Token{}
	}
	if text != "" || len(tokens) > 0 {
		w.emitContent(event{Type: "response.output_text.delta", Delta: &text, Logprobs: tokens})
	}
}

// speaks reports whether a message grows.
func (w *writer) speaks() bool { return w.open != nil && w.open.Type == typeMessage }

// addReasoning appends text to the reasoning that grows.
func (w *writer) addReasoning(text string) {
	if w.open == nil || w.open.Type != typeReasoning {
		w.add(&item{Type: typeReasoning, Summary: []part{}, Content: []part{}}, "rs")
		w.addPart(part{Type: reasoningText})
	}
	w.text.WriteString(text)
	w.emitContent(event{Type: "response.reasoning_text.delta", Delta: &text})
}

// addCall begins a function call.
func (w *writer) addCall(id, name string) {
	w.add(&item{Type: typeCall, CallID: id, Name: name, Arguments: new(string)}, "fc")
}

// addArguments appends to the arguments of the call that grows.
func (w *writer) addArguments(text string) {
	w.text.WriteString(text)
	w.emitItem(event{Type: "response.function_call_arguments.delta", Delta: &text})
}

// add ends the item that grew and begins another.
func (w *writer) add(next *item, prefix string) {
	w.close(completed)
	_, rest, _ := strings.Cut(w.answer.ID, "_")
	next.ID, next.Status = fmt.Sprintf("%s_%s_%d", prefix, rest, len(w.answer.Output)), inProgress
	w.answer.Output = append(w.answer.Output, next)
	w.open = next
	w.emitItem(event{Type: "response.output_item.added", Item: next})
}

// addPart begins the one part of the item that grows.
func (w *writer) addPart(p part) {
	w.emitContent(event{Type: "response.content_part.added", Part: &p})
	w.open.Content = append(w.open.Content, p)
}

// close ends the item that grows, if there is one.
func (w *writer) close(status string) {
	if w.open == nil {
		return
	}
	text := w.settle(status)
	switch w.open.Type {
	case typeMessage:
		content := &w.open.Content[0]
		w.emitContent(event{Type: "response.output_text.done", Text: &text, Logprobs: content.Logprobs})
		w.emitContent(event{Type: "response.content_part.done", Part: content})
	case typeReasoning:
		w.emitContent(event{Type: "response.reasoning_text.done", Text: &text})
		w.emitContent(event{Type: "response.content_part.done", Part: &w.open.Content[0]})
	case typeCall:
		w.emitItem(event{Type: "response.function_call_arguments.done", Name: w.open.Name, Arguments: &text})
	}
	w.emitItem(event{Type: "response.output_item.done", Item: w.open})
	w.open = nil
}

// settle gives the item that grows its text and its last status.
func (w *writer) settle(status string) string {
	text := w.text.String()
	w.text.Reset()
	w.open.Status = status
	if w.open.Type == typeCall {
		w.open.Arguments = &text
	} else {
		w.open.Content[0].Text = text
	}
	return text
}

// finish ends the answer at a time, in Unix seconds. An answer that was cut says
// why; one that is empty has a message without text.
func (w *writer) finish(cutBy string, used tokenUsage, at int64) {
	status := completed
	if cutBy != "" {
		status = incomplete
		w.answer.Incomplete = &cut{Reason: cutBy}
	} else {
		w.answer.Completed = &at
	}
	if len(w.answer.Output) == 0 {
		w.addText("", nil)
	}
	w.close(status)
	w.answer.Status, w.answer.Usage = status, &used
	w.emit(event{Type: "response." + status, Response: w.answer})
}

// fail ends an answer that cannot be completed. No event says that the item that
// grows is done: a client would act on half a function call.
func (w *writer) fail(why problem) {
	if w.open != nil {
		w.settle(incomplete)
	}
	w.answer.Status, w.answer.Error = failed, &why
	w.emit(event{Type: "response." + failed, Response: w.answer})
}
