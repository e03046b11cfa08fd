package strictjson

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
)

// Member is one key of an object with its value still encoded.
type Member struct {
	Key   string
	Value json.RawMessage
}

// Null reports whether the value is the literal null.
func (m Member) Null() bool { return bytes.Equal(m.Value, []byte("null")) }

// Object splits data, one JSON object, into its members in file order. A value
// that is not an object, a key that appears twice and anything but white space
// after the object are errors.
func Object(data []byte) ([]Member, error) {
	d := json.NewDecoder(bytes.NewReader(data))
	t, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("not JSON: %w", err)
	}
	if t != json.Delim('{') {
		return nil, fmt.Errorf("expected a JSON object, found %s", kind(t))
	}
	var out []Member
	seen := map[string]bool{}
	for d.More() {
		t, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("after %d keys: %w", len(out), err)
		}
		key, ok := t.(string)
		if !ok {
			return nil, fmt.Errorf("after %d keys: expected a key, found %v", len(out), t)
		}
		if seen[key] {
			return nil, fmt.Errorf("key %q appears twice", key)
		}
		seen[key] = true
		m := Member{Key: key}
		if err := d.Decode(&m.Value); err != nil {
			return nil, fmt.Errorf("value of %q: %w", key, err)
		}
		out = append(out, m)
	}
	if _, err := d.Token(); err != nil {
		return nil, fmt.Errorf("object is not closed: %w", err)
	}
	if _, err := d.Token(); err != io.EOF {
		return nil, fmt.Errorf("data after the end of the object at byte %d", d.InputOffset())
	}
	return out, nil
}

func kind(t json.Token) string {
	switch v := t.(type) {
	case json.Delim:
		return "an array"
	case nil:
		return "null"
	default:
		return fmt.Sprintf("%T", v)
	}
}
