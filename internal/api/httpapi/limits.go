package httpapi

import (
	"encoding/json"
	"fmt"
	"unicode/utf8"

	"github.com/hachi-serve/hachi/internal/strictjson"
)

// MaxHeader is the maximum size of the headers of a request, bytes: what is read before
// anything asks who sends it.
const MaxHeader = 64 << 10

const (
	// maxValues is the maximum number of members and elements that are read of a
	// request. Lists of tokens and what only a schema has count for none.
	maxValues = 1 << 15
	// maxQuoted is the maximum length of what an error repeats of a request, bytes.
	maxQuoted = 200
	// otherText is how many bytes of text a request may have beside its prompt:
	// descriptions of tools, schemas, names.
	otherText = 1 << 20
)

// requestState is what all Readers of a request share.
type requestState struct {
	fault  error // the first
	values int   // that may still be read
	most   int   // the maximum length of one text, bytes; 0 is no bound
	text   int   // bytes of text that may still be made
}

// newState makes the state of a request whose prompt has at most prompt bytes; 0 is
// no bound of its own.
func newState(prompt int) *requestState {
	s := &requestState{values: maxValues, text: MaxBody}
	if prompt > 0 {
		s.most = max(prompt, otherText)
		s.text = min(MaxBody, 2*prompt+otherText)
	}
	return s
}

// FaultIn keeps what is wrong inside a member.
func (r *Reader) FaultIn(name string, err error) {
	path := clip(r.Path(name))
	r.Fail(Invalid(path, CodeValue, fmt.Sprintf("%s: %v", path, err)))
}

// List returns the elements of a member that is a list; nil is none, or a fault.
func (r *Reader) List(name string) []json.RawMessage {
	raw, ok := r.Value(name, KindList)
	if !ok {
		return nil
	}
	return r.Elements(name, raw)
}

// Elements splits a list that was read of this object.
func (r *Reader) Elements(name string, raw json.RawMessage) []json.RawMessage {
	list, err := strictjson.Elements(raw, r.request.values)
	if err != nil {
		r.FaultIn(name, err)
		return nil
	}
	r.request.values -= len(list)
	return list
}

// Decode makes the text of a string that was read of this object. A text that is too
// long for any prompt is a fault, before it is made.
func (r *Reader) Decode(name string, raw json.RawMessage) string {
	if r.Err() != nil {
		return ""
	}
	// An escape is at most six bytes for one.
	switch s := r.request; {
	case s.most > 0 && (len(raw)-2)/6 > s.most, s.most > 0 && len(raw) > s.most && decodedBytes(raw) > s.most:
		r.Fault(name, CodeContext, "is longer than any text of the context of this model, %d bytes: shorten it", s.most)
		return ""
	case len(raw) > s.text:
		r.Fault(name, CodeContext, "brings the texts of the request to more than the context of this model can hold: shorten them")
		return ""
	}
	r.request.text -= len(raw)
	return strictjson.Text(raw)
}

// decodedBytes is the length of a JSON string's text, to within three bytes for an
// escape.
func decodedBytes(raw json.RawMessage) int {
	n := len(raw) - 2
	for i := 0; i < len(raw); i++ {
		if raw[i] == '\\' {
			if i++; raw[i] == 'u' {
				n -= 4
			}
			n--
		}
	}
	return n
}

// Texts reads a list of strings that was read of this object; ok is false for
// anything else.
func (r *Reader) Texts(name string, raw json.RawMessage) (texts []string, ok bool) {
	if KindOf(raw) != KindList {
		return nil, false
	}
	for _, one := range r.Elements(name, raw) {
		if KindOf(one) != KindString {
			return nil, false
		}
		texts = append(texts, r.Decode(name, one))
	}
	return texts, true
}

// clipped is an argument of a message, cut to what a message repeats.
func clipped(arg any) any {
	switch v := arg.(type) {
	case string:
		return clip(v)
	case json.RawMessage:
		return clip(string(v[:min(len(v), maxQuoted+1)]))
	}
	return arg
}

// clip cuts a text to what a message repeats, between characters.
func clip(s string) string {
	if len(s) <= maxQuoted {
		return s
	}
	end := maxQuoted
	for end > 0 && !utf8.RuneStart(s[end]) {
		end--
	}
	return s[:end] + "..."
}
