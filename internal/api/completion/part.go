package completion

import (
	"strings"

	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// ToolCalls is the reason to finish of an answer that ends with calls of tools.
const ToolCalls engine.FinishReason = "tool_calls"

// PartKind says what a Part is.
type PartKind int

const (
	Text      PartKind = iota // of the answer
	Reasoning                 // text before the answer
	CallBegun                 // a call of a tool begins; its arguments follow
	Arguments                 // a piece of the arguments of a call
)

// Part is a part of an answer.
type Part struct {
	Kind PartKind
	// Text is the text, the reasoning, or the piece of the arguments.
	Text string
	// Index numbers the call, from 0, and ID and Name are the call's, when it
	// begins.
	Index int
	ID    string
	Name  string
}

// Delta is what became final of an answer since the Delta before. At least one
// field is set. The parts of an answer concatenate to the answer: first reasoning,
// then text, then calls one after another, each begun before its arguments.
type Delta struct {
	Parts  []Part
	Prompt []Token // of the prompt, from its second on, with PromptLogprobs
	Tokens []Token // of the answer
	Finish engine.FinishReason
	// StopText is the stop text that ended the answer; "" is none.
	StopText string
}

func (d *Delta) empty() bool {
	return len(d.Parts)+len(d.Prompt)+len(d.Tokens) == 0 && d.Finish == engine.NotFinished
}

// Text is the delta of the answer's text, without reasoning and calls.
func (d *Delta) Text() string {
	var text strings.Builder
	for _, p := range d.Parts {
		if p.Kind == Text {
			text.WriteString(p.Text)
		}
	}
	return text.String()
}

// add appends a part. Text joins the part before if that is of the same kind and
// call.
func (d *Delta) add(p Part) {
	if last := len(d.Parts) - 1; last >= 0 && p.Kind != CallBegun && d.Parts[last].Kind == p.Kind && d.Parts[last].Index == p.Index {
		d.Parts[last].Text += p.Text
		return
	}
	d.Parts = append(d.Parts, p)
}

// addEvent appends what a parser found, if anybody is to read it.
func (d *Delta) addEvent(e tool.Event) {
	switch e.Kind {
	case tool.Reasoning:
		d.add(Part{Kind: Reasoning, Text: e.Text})
	case tool.Begun:
		d.add(Part{Kind: CallBegun, Index: e.Index, Name: e.Text})
	case tool.Arguments:
		d.add(Part{Kind: Arguments, Index: e.Index, Text: e.Text})
	}
}

// Answer collects the parts of an answer.
type Answer struct {
	Text, Reasoning strings.Builder
	Calls           []tool.Call
}

// Add appends what a delta has.
func (a *Answer) Add(d Delta) {
	for _, p := range d.Parts {
		switch p.Kind {
		case Text:
			a.Text.WriteString(p.Text)
		case Reasoning:
			a.Reasoning.WriteString(p.Text)
		case CallBegun:
			a.Calls = append(a.Calls, tool.Call{ID: p.ID, Name: p.Name})
		case Arguments:
			a.Calls[p.Index].Arguments += p.Text
		}
	}
}
