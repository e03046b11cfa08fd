package schema

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/hachi-serve/hachi/internal/text/grammar/automaton"
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
	id      int // among the values of the document
	kind    kind
	parent  *value // nil for the document
	step    string // from the parent: a name or an index
	text    string // of a text; "true" or "false"; the digits of a number
	items   []*value
	members []member
	index   map[string]*value // of members
}

type member struct {
	name string
	*value
}

// get returns a member, nil when there is none.
func (v *value) get(name string) *value { return v.index[name] }

// pointer is the JSON pointer (RFC 6901) of the value, "" is the document.
func (v *value) pointer() string {
	var steps []string
	for ; v.parent != nil; v = v.parent {
		steps = append(steps, "/"+strings.NewReplacer("~", "~0", "/", "~1").Replace(v.step))
	}
	slices.Reverse(steps)
	return strings.Join(steps, "")
}

// is reports a boolean of that value.
func (v *value) is(b bool) bool {
	return v != nil && v.kind == boolean && v.text == strconv.FormatBool(b)
}

// document is a JSON document.
type document struct{ root *value }

// read reads a document of a bounded size and depth; a name twice in one object
// is an error.
func read(source []byte, l Limits) (*document, error) {
	if len(source) > l.Bytes {
		return nil, &Fault{Err: fmt.Errorf("the schema is %w: %d bytes, the limit is %d", automaton.ErrTooLarge, len(source), l.Bytes)}
	}
	r := &reader{d: json.NewDecoder(bytes.NewReader(source)), depth: l.Depth * containersPerLevel}
	r.d.UseNumber()
	root := &value{}
	if err := r.value(root, 0); err != nil {
		return nil, err
	}
	if _, err := r.d.Token(); !errors.Is(err, io.EOF) {
		return nil, &Fault{Err: errors.New("more than one JSON value")}
	}
	return &document{root}, measure(root, 0, l.Depth)
}

type reader struct {
	d     *json.Decoder
	depth int
	count int
}

// value reads a value whose parent and step are set.
func (r *reader) value(v *value, depth int) error {
	if depth > r.depth {
		return &Fault{v.pointer(), fmt.Errorf("the schema is %w: %d objects and lists are inside one another, the limit is %d", automaton.ErrTooLarge, depth, r.depth)}
	}
	token, err := r.d.Token()
	if err != nil {
		return &Fault{v.pointer(), fmt.Errorf("not JSON: %w", err)}
	}
	v.id = r.count
	r.count++
	switch t := token.(type) {
	case bool:
		v.kind, v.text = boolean, strconv.FormatBool(t)
	case json.Number:
		v.kind, v.text = number, t.String()
	case string:
		v.kind, v.text = text, t
	case json.Delim:
		if t == '{' {
			v.kind, v.index = object, map[string]*value{}
			return r.members(v, depth)
		}
		v.kind = array
		return r.items(v, depth)
	}
	return nil
}

func (r *reader) items(v *value, depth int) error {
	for r.d.More() {
		item := &value{parent: v, step: strconv.Itoa(len(v.items))}
		if err := r.value(item, depth+1); err != nil {
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
			return &Fault{v.pointer(), fmt.Errorf("not JSON: %w", err)}
		}
		m := &value{parent: v, step: name}
		if v.index[name] != nil {
			return &Fault{m.pointer(), errors.New("the name is there twice")}
		}
		if err := r.value(m, depth+1); err != nil {
			return err
		}
		v.members = append(v.members, member{name, m})
		v.index[name] = m
	}
	return r.close(v)
}

// close reads the bracket that ends a list.
func (r *reader) close(v *value) error {
	if _, err := r.d.Token(); err != nil {
		return &Fault{v.pointer(), fmt.Errorf("not JSON: %w", err)}
	}
	return nil
}

// resolve finds what a $ref names: a value of the document itself.
func (d *document) resolve(ref string) (*value, error) {
	fragment, local := strings.CutPrefix(ref, "#")
	if !local || fragment != "" && fragment[0] != '/' {
		return nil, fmt.Errorf("%.100q is not supported: only # and #/... within the schema are", ref)
	}
	fragment, err := url.PathUnescape(fragment)
	if err != nil {
		return nil, fmt.Errorf("%.100q: %w", ref, err)
	}
	at := d.root
	for _, step := range strings.Split(fragment, "/")[1:] {
		step = strings.NewReplacer("~1", "/", "~0", "~").Replace(step)
		next := at.get(step)
		if i, err := strconv.Atoi(step); err == nil && 0 <= i && i < len(at.items) && strconv.Itoa(i) == step {
			next = at.items[i]
		}
		if next == nil {
			return nil, fmt.Errorf("%.100q names nothing", ref)
		}
		at = next
	}
	return at, nil
}
