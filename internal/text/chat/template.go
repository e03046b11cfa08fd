package chat

import (
	"context"
	"errors"
	"fmt"
	"sort"
	"strings"
	"time"
	"unicode"

	"github.com/hachi-serve/hachi/internal/text/chat/jinja"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
	"github.com/hachi-serve/hachi/internal/text/tool"
)

// Bounds of the steps of a rendering: a constant, and more for each turn and each
// character. That is many times what any template needs, and less than a second.
const (
	baseSteps = 1 << 20
	turnSteps = 1 << 16
	charSteps = 1 << 7
)

// Template renders conversations. It is immutable and safe for concurrent use.
type Template struct {
	parsed     *jinja.Template
	tokens     *tokenizer.Tokenizer // with the template's own tokens reserved
	specials   map[string]string
	now        func() time.Time
	attributes map[string]bool // those it reads
	system     bool            // it has system messages
	// format is how the template writes calls; nil is a template without tools.
	format  *tool.Format
	shortID bool // ids of calls must be 9 letters and digits
	// open and close stand around reasoning; "" is a template without.
	open, close string
	probing     bool // tools are shown although no format is known
	answers     *tokenizer.Tokenizer
}

// Parse parses a template and renders conversations of every shape with it, so
// that a template that cannot be honored is found before any request.
func Parse(source string, t *tokenizer.Tokenizer) (*Template, error) {
	return parse(source, t, time.Now)
}

// parse is Parse with a clock.
func parse(source string, t *tokenizer.Tokenizer, now func() time.Time) (*Template, error) {
	parsed, err := jinja.Parse(source)
	if err != nil {
		return nil, fmt.Errorf("the template is not supported: %w", err)
	}
	out := &Template{parsed: parsed, tokens: t, specials: t.Specials(), now: now}
	written, err := out.probe()
	if err != nil {
		return nil, fmt.Errorf("the template is not supported: %w", err)
	}
	tools := out.probeTools()
	out.tokens = t.Reserve(func(token string) bool {
		return strings.Contains(source, token) || strings.Contains(written, token) || strings.Contains(tools, token)
	})
	out.probeReasoning(source)
	out.settleMarker()
	out.answers = out.tokens.Show(out.marks())
	return out, nil
}

// MustParse is Parse for a template of this package, which cannot fail.
func MustParse(source string, t *tokenizer.Tokenizer) *Template {
	out, err := Parse(source, t)
	if err != nil {
		panic(err)
	}
	return out
}

// CheckAttributes returns an error if the template cannot honor a set of
// attributes.
func (t *Template) CheckAttributes(a Attributes) error {
	if err := a.Validate(); err != nil {
		return err
	}
	for _, name := range attributeNames {
		if _, set := a[name]; set && !t.attributes[name] {
			return fmt.Errorf("the model's template does not read the attribute %s", name)
		}
	}
	return nil
}

// Attributes returns the names of the attributes that the template reads, in the
// order of the prompt.
func (t *Template) Attributes() []string {
	read := []string{}
	for _, name := range attributeNames {
		if t.attributes[name] {
			read = append(read, name)
		}
	}
	return read
}

// Tokens is Prompt of messages only. base holds the attributes of turns that do not
// set their own.
func (t *Template) Tokens(messages []Message, base Attributes) ([]int32, error) {
	return t.Prompt(Conversation{Messages: messages, Attributes: base})
}

// Render is RenderConversation of messages only.
func (t *Template) Render(messages []Message, base Attributes) ([]tokenizer.Piece, error) {
	return t.RenderConversation(Conversation{Messages: messages, Attributes: base})
}

// blame finds the first turn with which the template fails, by rendering the
// conversations that end before each turn.
func (t *Template) blame(ctx context.Context, c Conversation, err error) error {
	var refused *jinja.Error
	if !errors.As(err, &refused) || !refused.Raised {
		err = fmt.Errorf("the model's template fails: %w", err)
	}
	messages := c.Messages
	turn := sort.Search(len(messages)-1, func(i int) bool {
		c.Messages = messages[:i+1]
		_, err := t.writeWithin(ctx, c)
		return err != nil
	})
	return turnError(messages[turn], err)
}

// leftOut is the first turn with content of which the text has no character, or
// -1. Templates skip roles that they do not know.
func leftOut(messages []Message, text jinja.Text) int {
	seen := make([]bool, len(messages)+2)
	for _, c := range text {
		seen[c.From] = true
	}
	for i, m := range messages {
		if !seen[i+1] && strings.TrimFunc(m.Content, unicode.IsSpace) != "" {
			return i
		}
	}
	return -1
}

// pieces makes ids of the special tokens that the template wrote.
func (t *Template) pieces(text jinja.Text) []tokenizer.Piece {
	var out []tokenizer.Piece
	var run strings.Builder
	flush := func() {
		if run.Len() > 0 {
			out = append(out, tokenizer.Piece{Text: run.String()})
			run.Reset()
		}
	}
	for len(text) > 0 {
		var part string
		var trusted bool
		if part, trusted, text = leadingRun(text); !trusted {
			run.WriteString(part)
			continue
		}
		for part != "" {
			start, end, id := t.tokens.FindSpecial(part)
			run.WriteString(part[:start])
			if id >= 0 {
				flush()
				out = append(out, tokenizer.Piece{Special: true, ID: id})
			}
			part = part[end:]
		}
	}
	flush()
	return out
}

// leadingRun splits off the longest prefix that the template wrote, or that it did
// not write.
func leadingRun(text jinja.Text) (part string, trusted bool, rest jinja.Text) {
	trusted = text[0].From == jinja.FromTemplate
	n := 0
	for n < len(text) && (text[n].From == jinja.FromTemplate) == trusted {
		n++
	}
	return text[:n].String(), trusted, text[n:]
}
