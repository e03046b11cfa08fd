package tool

import "strings"

// Syntax is what an answer may have beside text.
type Syntax struct {
	// Format is how calls are written; nil is an answer without calls.
	Format *Format
	Names  []string // of the functions that may be called
	// Text allows text instead of calls, or before them if the format has it.
	Text bool
	// Open and Close stand around reasoning, with which an answer may begin; ""
	// is no reasoning. Begun says that Open is in the prompt.
	Open, Close string
	Begun       bool
}

// Kind says what an Event is.
type Kind int

const (
	Text      Kind = iota // of the answer
	Reasoning             // text before the answer
	Begun                 // a call begins; Event.Text is the name
	Arguments             // a piece of the arguments of a call
	Mark                  // marks between the others
)

// Event is a part of an answer.
type Event struct {
	Kind  Kind
	Text  string
	Index int // of the call, from 0
	// Size is the number of bytes of the answer that the event stands for.
	Size int
}

// Parser finds reasoning and calls in an answer as it comes. What it is sure of it
// reports at once: a text that may become a mark waits. It expects an answer that
// the syntax allows; of any other it makes some sense without failing.
type Parser struct {
	syntax Syntax
	step   func(p *Parser, final bool) bool // reports one event or a new step, or false: more is needed
	held   string                           // not reported
	said   int                              // bytes of it that are before the answer
	events []Event

	reasoned bool // reasoning has ended
	begun    bool // some of this text or reasoning was reported
	calls    int
	mark     reader // Between of this call
	depth    int    // of brackets in the arguments
	quoted   bool   // in a string of the arguments
	escaped  bool   // behind a backslash in a string
	complete bool
}

// NewParser reads an answer from its beginning.
func NewParser(s Syntax) *Parser {
	p := &Parser{syntax: s, step: (*Parser).opening}
	if s.Begun {
		p.step = (*Parser).reasoning
	}
	return p
}

// Continue reads a text that the answer, which is to come, continues. Events stand for
// the answer only, but for the name of a call, which is always whole. Continue reports
// false if the text has the name of a call, which no event would report.
func (p *Parser) Continue(text string) bool {
	p.said = len(text)
	p.Read(text, false)
	p.events = nil
	return p.calls == 0
}

// Read adds a part of the answer and returns what became certain. Final says that
// nothing more will come. The sizes of all events then sum up to the answer's.
func (p *Parser) Read(part string, final bool) []Event {
	p.held += part
	p.events = nil
	for p.step(p, final) {
	}
	if final {
		p.settle()
	}
	return p.events
}

// Complete reports, after the last Read, that the answer ended with calls that were
// written to their end.
func (p *Parser) Complete() bool { return p.complete }

// settle reports what is left of an answer that ends within a mark: the beginning
// of calls without a name is text.
func (p *Parser) settle() {
	if p.calls == 0 {
		p.report(Text, len(p.held))
	} else {
		p.report(Mark, len(p.held))
	}
}

// report makes an event of the first n bytes that are held.
func (p *Parser) report(k Kind, n int) {
	if n == 0 {
		return
	}
	said := min(p.said, n)
	p.said -= said
	e := Event{Kind: k, Size: n - said, Index: max(0, p.calls-1)}
	switch k {
	case Text, Reasoning:
		e.Text, e.Index, p.begun = p.held[said:n], 0, true
	case Begun:
		e.Text = p.held[:n]
	case Arguments:
		e.Text = p.held[said:n]
	}
	p.held = p.held[n:]
	if e.Size > 0 || k == Begun {
		p.events = append(p.events, e)
	}
}

// opening decides what an answer, or what follows its reasoning, begins with.
func (p *Parser) opening(final bool) bool {
	s := &p.syntax
	if s.Close != "" && !p.reasoned {
		switch n := leading(p.held); begins(p.held[n:], s.Open) {
		case yes:
			p.report(Mark, n+len(s.Open))
			p.step = (*Parser).reasoning
			return true
		case perhaps:
			if !final {
				return false
			}
		}
	}
	switch {
	case s.Format == nil || s.Format.Anywhere && s.Text:
		p.step = (*Parser).text
	case !s.Text:
		p.step = (*Parser).call
	default:
		switch s.opens(p.held[leading(p.held):]) {
		case yes:
			p.step = (*Parser).call
		case no:
			p.step = (*Parser).text
		case perhaps:
			if !final {
				return false
			}
			p.step = (*Parser).text
		}
	}
	return true
}

// reasoning reports reasoning without the white space at its ends.
func (p *Parser) reasoning(final bool) bool {
	if !p.begun {
		p.report(Mark, len(p.held)-len(strings.TrimLeft(p.held, white)))
	}
	at := strings.Index(p.held, p.syntax.Close)
	end := at
	if at < 0 {
		end = len(p.held)
		if !final {
			end -= overlap(p.held, p.syntax.Close)
		}
	}
	thought := len(strings.TrimRight(p.held[:end], white))
	p.report(Reasoning, thought)
	if at < 0 {
		if final {
			p.report(Mark, len(p.held))
		}
		return false
	}
	p.report(Mark, at-thought+len(p.syntax.Close))
	p.step, p.reasoned, p.begun = (*Parser).opening, true, false
	return true
}

// text reports text, up to the calls that may follow it. White space at the
// beginning is no text before calls, and behind reasoning.
func (p *Parser) text(final bool) bool {
	format := p.syntax.Format
	end, called := len(p.held), false
	if format != nil && format.Anywhere {
		if at := strings.Index(p.held, format.Marker); at >= 0 {
			end, called = at, true
		} else if !final {
			end -= overlap(p.held, format.Marker)
		}
	}
	blank := len(p.held[:end]) - len(strings.TrimLeft(p.held[:end], white))
	switch {
	case p.begun:
	case p.reasoned || called && blank == end:
		p.report(Mark, blank)
		end -= blank
	case format != nil && blank == end && !final:
		return false
	}
	p.report(Text, end)
	if called {
		p.step = (*Parser).call
	}
	return called
}

// call waits for the name of the first call.
func (p *Parser) call(bool) bool {
	n := leading(p.held)
	if found, name, end := header(p.syntax.Format.Begin, p.held[n:]); found == yes {
		p.begin(name, n+end)
		return true
	}
	return false
}

// next waits for the name of a further call, or for the end of the calls.
func (p *Parser) next(final bool) bool {
	if found, name, end := header(p.syntax.Format.Next, p.held); found == yes {
		p.begin(name, end)
		return true
	}
	if final {
		r := reader{mark: p.syntax.Format.End}
		n := 0
		for n < len(p.held) && r.read(p.held[n]) {
			n++
		}
		p.complete = r.ended() && strings.Trim(p.held[n:], white) == ""
	}
	return false
}

// begin reports that a call begins; n bytes are held up to the end of its name.
func (p *Parser) begin(name string, n int) {
	p.report(Mark, n-len(name))
	p.calls++
	p.report(Begun, len(name))
	p.mark, p.depth, p.quoted, p.escaped = reader{mark: p.syntax.Format.Between}, 0, false, false
	p.step = (*Parser).between
}

// between reads the mark before the arguments.
func (p *Parser) between(bool) bool {
	n := 0
	for n < len(p.held) && !p.mark.closed() && p.mark.read(p.held[n]) {
		n++
	}
	over := n < len(p.held) || p.mark.closed()
	p.report(Mark, n)
	if over {
		p.step = (*Parser).arguments
	}
	return over
}

// arguments reports arguments up to the bracket that ends them.
func (p *Parser) arguments(bool) bool {
	for i := range len(p.held) {
		if p.ends(p.held[i]) {
			p.report(Arguments, i+1)
			p.step = (*Parser).next
			return true
		}
	}
	p.report(Arguments, len(p.held))
	return false
}

// ends follows the brackets and strings of JSON, and reports the end of an object.
func (p *Parser) ends(b byte) bool {
	switch {
	case p.escaped:
		p.escaped = false
	case p.quoted && b == '\\':
		p.escaped = true
	case b == '"':
		p.quoted = !p.quoted
	case p.quoted:
	case b == '{' || b == '[':
		p.depth++
	case b == '}' || b == ']':
		p.depth--
		return p.depth <= 0
	}
	return false
}
