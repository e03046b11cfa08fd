package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/hachi-serve/hachi/router/grammar/automaton"
)

type kind uint8

const (
	null kind = iota
	boolean
	number
	text
	array
	object
)

// value is a JSON value that knows where it stands and keeps the order of its
// members.
type value struct {
	kind    kind
	pointer string // RFC 6901, "" is the document
	text    string // of a text; "true" or "false"; the digits of a number
	items   []*value
	members []member
}

type member struct {
	name string
	*value
}

// get returns a member, nil when there is none.
func (v *value) get(name string) *value {
	for _, m := range v.members {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// is reports a boolean of that value.
func (v *value) is(b bool) bool {
	return v != nil && v.kind == boolean && v.text == strconv.FormatBool(b)
}

// document is a JSON document and its values by pointer.
type document struct {
	root   *value
	values map[string]*value
}

// read reads a document of a bounded size and depth; a name twice in one object
// is an error.
func read(source []byte, l Limits) (*document, error) {
	if len(source) > l.Bytes {
		return nil, &Fault{Err: fmt.Errorf("the schema is %w: %d bytes, the limit is %d", automaton.ErrTooLarge, len(source), l.Bytes)}
	}
	r := &reader{d: json.NewDecoder(bytes.NewReader(source)), depth: l.Depth, doc: &document{values: map[string]*value{}}}
	r.d.UseNumber()
	root, err := r.value("", 0)
	if err != nil {
		return nil, err
	}
	if _, err := r.d.Token(); !errors.Is(err, io.EOF) {
		return nil, &Fault{Err: errors.New("more than one JSON value")}
	}
	r.doc.root = root
	return r.doc, nil
}

type reader struct {
	d     *json.Decoder
	depth int
	doc   *document
}

func (r *reader) value(pointer string, depth int) (*value, error) {
	if depth > r.depth {
		return nil, &Fault{pointer, fmt.Errorf("the schema is %w: nested deeper than %d", automaton.ErrTooLarge, r.depth)}
	}
	token, err := r.d.Token()
	if err != nil {
		return nil, &Fault{pointer, fmt.Errorf("not JSON: %w", err)}
	}
	v := &value{pointer: pointer}
	switch t := token.(type) {
	case bool:
		v.kind, v.text = boolean, strconv.FormatBool(t)
	case json.Number:
		v.kind, v.text = number, t.String()
	case string:
		v.kind, v.text = text, t
	case json.Delim:
		if t == '{' {
			v.kind, err = object, r.members(v, depth)
		} else {
			v.kind, err = array, r.items(v, depth)
		}
	}
	r.doc.values[pointer] = v
	return v, err
}

func (r *reader) items(v *value, depth int) error {
	for r.d.More() {
		item, err := r.value(v.pointer+"/"+strconv.Itoa(len(v.items)), depth+1)
		if err != nil {
			return err
		}
		v.items = append(v.items, item)
	}
	return r.close(v)
}

func (r *reader) members(v *value, depth int) error {
	for r.d.More() {
		token, err := r.d.Token()
		name, ok := token.(string)
		if err != nil || !ok {
			return &Fault{v.pointer, fmt.Errorf("not JSON: %w", err)}
		}
		pointer := v.pointer + "/" + strings.NewReplacer("~", "~0", "/", "~1").Replace(name)
		if _, twice := r.doc.values[pointer]; twice {
			return &Fault{pointer, errors.New("the name is there twice")}
		}
		m, err := r.value(pointer, depth+1)
		if err != nil {
			return err
		}
		v.members = append(v.members, member{name, m})
	}
	return r.close(v)
}

// close reads the bracket that ends a list.
func (r *reader) close(v *value) error {
	if _, err := r.d.Token(); err != nil {
		return &Fault{v.pointer, fmt.Errorf("not JSON: %w", err)}
	}
	return nil
}

// resolve finds what a $ref names: a value of the document itself.
func (d *document) resolve(ref string) (*value, error) {
	fragment, local := strings.CutPrefix(ref, "#")
	if !local || fragment != "" && fragment[0] != '/' {
		return nil, fmt.Errorf("%q is not supported: only # and #/... within the schema are", ref)
	}
	fragment, err := url.PathUnescape(fragment)
	if err != nil {
		return nil, fmt.Errorf("%q: %w", ref, err)
	}
	target := d.values[fragment]
	if target == nil {
		return nil, fmt.Errorf("%q names nothing", ref)
	}
	return target, nil
}
