package httpapi

import (
	"encoding/json"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"

	"github.com/hachi-serve/hachi/internal/strictjson"
)

// Reader reads the members of one object of a request. It keeps the first fault
// of the whole request, after which it reads nothing, and remembers which members
// were read. null is the same as absent.
//
// Members are parts of the body. What reading makes of them is counted, and a request
// of too many values, or of more text than a prompt can have, is refused before more
// of it is made.
type Reader struct {
	members []strictjson.Member // in the order of their keys
	read    []bool              // by member
	path    string              // of the object in the request; "" is the body itself
	request *requestState
	ignore  []string // paths of what was read, and has no effect
	inner   []*Reader
}

// newReader reads the object raw, which is valid JSON, at a path.
func newReader(raw json.RawMessage, path string, request *requestState) (*Reader, error) {
	members, err := strictjson.Members(raw, request.values)
	if err != nil {
		return nil, err
	}
	request.values -= len(members)
	return &Reader{members: members, read: make([]bool, len(members)), path: path, request: request}, nil
}

// Err returns the first fault of the request, an *Error.
func (r *Reader) Err() error { return r.request.fault }

// drop forgets the members, and so the body.
func (r *Reader) drop() { r.members, r.read, r.ignore, r.inner = nil, nil, nil, nil }

// Names returns the keys in order, so that the same request gives the same error.
func (r *Reader) Names() []string {
	names := make([]string, len(r.members))
	for i, m := range r.members {
		names[i] = m.Key
	}
	return names
}

// find returns the number of a member, and whether it is there.
func (r *Reader) find(name string) (int, bool) {
	return slices.BinarySearchFunc(r.members, name, func(m strictjson.Member, name string) int { return strings.Compare(m.Key, name) })
}

// value is a member that is there; nil otherwise.
func (r *Reader) value(name string) json.RawMessage {
	if i, ok := r.find(name); ok {
		return r.members[i].Value
	}
	return nil
}

// Path returns the path of a member in the request, such as messages[0].content. The
// empty name is "".
func (r *Reader) Path(name string) string {
	if name == "" {
		name = `""`
	}
	if r.path == "" {
		return name
	}
	return r.path + "." + name
}

// Has reports whether a member is there and not null. It does not count as
// reading it.
func (r *Reader) Has(name string) bool {
	raw := r.value(name)
	return raw != nil && KindOf(raw) != KindNull
}

// Fault keeps what is wrong with a member; the message begins with its path.
func (r *Reader) Fault(name, code, format string, args ...any) {
	path := clip(r.Path(name))
	for i, arg := range args {
		args[i] = clipped(arg)
	}
	r.Fail(Invalid(path, code, path+" "+fmt.Sprintf(format, args...)))
}

// Fail keeps an error of the request; nil is none.
func (r *Reader) Fail(err error) {
	if r.request.fault == nil {
		r.request.fault = err
	}
}

// Accept counts members as read whatever they are: they ask for nothing.
func (r *Reader) Accept(names ...string) {
	for _, name := range names {
		if i, ok := r.find(name); ok {
			r.read[i] = true
		}
	}
}

// Require faults a member that is absent, and says what it is.
func (r *Reader) Require(name, what string) {
	if !r.Has(name) {
		r.Fault(name, CodeMissing, "is missing: %s", what)
	}
}

// Any returns a member of any kind that is there, while there is no fault.
func (r *Reader) Any(name string) (json.RawMessage, bool) {
	r.Accept(name)
	if r.Err() != nil || !r.Has(name) {
		return nil, false
	}
	return r.value(name), true
}

// Value returns a member that is there, while there is no fault; another kind than
// the wanted one is a fault.
func (r *Reader) Value(name, kind string) (json.RawMessage, bool) {
	raw, ok := r.Any(name)
	if !ok {
		return nil, false
	}
	if got := KindOf(raw); got != kind {
		r.Fault(name, CodeType, "is %s, expected %s", got, kind)
		return nil, false
	}
	return raw, true
}

// Inside returns the Reader of a member that is an object; nil if it is absent,
// or after a fault.
func (r *Reader) Inside(name string) *Reader {
	raw, ok := r.Any(name)
	if !ok {
		return nil
	}
	return r.Open(name, raw)
}

// Open returns the Reader of an object that was read of this one, such as an
// element of a list; name is its path from here. nil is a fault.
func (r *Reader) Open(name string, raw json.RawMessage) *Reader {
	if kind := KindOf(raw); kind != KindObject {
		r.Fault(name, CodeType, "is %s, expected an object", kind)
		return nil
	}
	in, err := newReader(raw, r.Path(name), r.request)
	if err != nil {
		r.FaultIn(name, err)
		return nil
	}
	r.inner = append(r.inner, in)
	return in
}

// Objects returns the Readers of a member that is a list of objects.
func (r *Reader) Objects(name string) []*Reader {
	list := r.List(name)
	all := make([]*Reader, 0, len(list))
	for i, one := range list {
		in := r.Open(fmt.Sprintf("%s[%d]", name, i), one)
		if in == nil {
			return nil
		}
		all = append(all, in)
	}
	return all
}

// TextOrParts reads a string, or a list of objects, of which join makes a text;
// absent is "". parts names the elements of the list.
func (r *Reader) TextOrParts(name, parts string, join func([]*Reader) string) string {
	raw, ok := r.Any(name)
	if !ok {
		return ""
	}
	switch kind := KindOf(raw); kind {
	case KindString:
		return r.Decode(name, raw)
	case KindList:
		return join(r.Objects(name))
	default:
		r.Fault(name, CodeType, "is %s, expected a text or a list of %s", kind, parts)
		return ""
	}
}

// Text reads a string.
func (r *Reader) Text(name string, v *string) {
	if raw, ok := r.Value(name, KindString); ok {
		*v = r.Decode(name, raw)
	}
}

// Name reads a text that must be there and not be empty, and says what it is.
func (r *Reader) Name(name, what string, v *string) {
	r.Require(name, what)
	if raw, ok := r.Value(name, KindString); ok {
		if *v = r.Decode(name, raw); *v == "" {
			r.Fault(name, CodeValue, "is empty: %s", what)
		}
	}
}

// Flag reads a boolean.
func (r *Reader) Flag(name string, v *bool) {
	if raw, ok := r.Value(name, KindBoolean); ok {
		*v = raw[0] == 't'
	}
}

// Number reads a 64-bit float.
func (r *Reader) Number(name string, v *float64) {
	raw, ok := r.Value(name, KindNumber)
	if !ok {
		return
	}
	x, err := strconv.ParseFloat(string(raw), 64)
	if err != nil {
		r.Fault(name, CodeValue, "is %s, expected a 64-bit float", raw)
		return
	}
	*v = x
}

// Integer reads a number of 32 bits that is whole.
func (r *Reader) Integer(name string, v *int) {
	r.IntegerWithin(name, v, math.MinInt32, math.MaxInt32)
}

// IntegerWithin reads a whole number, low to high.
func (r *Reader) IntegerWithin(name string, v *int, low, high int) {
	raw, ok := r.Value(name, KindNumber)
	if !ok {
		return
	}
	x, ok := Whole(raw)
	if !ok {
		r.Fault(name, CodeType, "is %s, expected an integer", raw)
		return
	}
	if x < int64(low) || x > int64(high) {
		r.Fault(name, CodeValue, "is %s, expected %d to %d", raw, low, high)
		return
	}
	*v = int(x)
}

// Is reports whether a member has a value, which is given as compact JSON; numbers
// compare by their values. It does not count as reading it.
func (r *Reader) Is(name, want string) bool { return Same(r.value(name), want) }
