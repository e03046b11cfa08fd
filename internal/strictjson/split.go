package strictjson

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// maxKey is the maximum length of a key in a message from the network, bytes.
	maxKey = 1 << 10
	// maxNumber is the maximum length of a number there, characters.
	maxNumber = 1 << 10
)

// Members splits an object into its members, in the order of their keys. data is one
// valid JSON value. Values are parts of data, not copies. A key that appears twice
// and more than most members are errors, found before more is read.
func Members(data []byte, most int) ([]Member, error) {
	var out []Member
	err := split(data, '{', func(i int) (int, error) {
		if len(out) == most {
			return 0, fmt.Errorf("an object has more than %d members", most)
		}
		end := stringEnd(data, i)
		if end-i > maxKey {
			return 0, fmt.Errorf("a key has %d bytes, expected at most %d", end-i-2, maxKey)
		}
		m := Member{Key: Text(data[i:end])}
		from := blanks(data, blanks(data, end)+1) // behind the colon
		to, err := valueEnd(data, from)
		m.Value = data[from:to:to]
		out = append(out, m)
		return to, err
	})
	slices.SortFunc(out, func(a, b Member) int { return cmp.Compare(a.Key, b.Key) })
	for i := range max(0, len(out)-1) {
		if err == nil && out[i].Key == out[i+1].Key {
			err = fmt.Errorf("key %q appears twice", out[i].Key)
		}
	}
	return out, err
}

// Elements splits a list as Members splits an object.
func Elements(data []byte, most int) ([]json.RawMessage, error) {
	var out []json.RawMessage
	err := Each(data, func(one json.RawMessage) error {
		if len(out) == most {
			return fmt.Errorf("a list has more than %d elements", most)
		}
		out = append(out, one)
		return nil
	})
	return out, err
}

// Each calls f for each element of a list that is valid JSON, until f fails.
func Each(data []byte, f func(json.RawMessage) error) error {
	return split(data, '[', func(i int) (int, error) {
		to, err := valueEnd(data, i)
		if err == nil {
			err = f(data[i:to:to])
		}
		return to, err
	})
}

// split calls part at the beginning of each part of an object or a list; part returns
// where it ends.
func split(data []byte, open byte, part func(i int) (int, error)) error {
	i := blanks(data, 0)
	if data[i] != open {
		return fmt.Errorf("expected %s, found %s", kindOf(open), kindOf(data[i]))
	}
	for i = blanks(data, i+1); data[i] != '}' && data[i] != ']'; {
		end, err := part(i)
		if err != nil {
			return err
		}
		if i = blanks(data, end); data[i] == ',' {
			i = blanks(data, i+1)
		}
	}
	return nil
}

// kindOf names the kind of the value that begins with a byte.
func kindOf(first byte) string {
	switch first {
	case '{':
		return "a JSON object"
	case '[':
		return "an array"
	case '"':
		return "a string"
	case 't', 'f':
		return "a boolean"
	case 'n':
		return "null"
	}
	return "a number"
}

// Text decodes a string that is valid JSON: one allocation of its length, and one
// more if it has escapes.
func Text(raw []byte) string {
	if len(raw) >= 2 && bytes.IndexByte(raw, '\\') < 0 && utf8.Valid(raw) {
		return string(raw[1 : len(raw)-1])
	}
	var s string
	_ = json.Unmarshal(raw, &s) // valid
	return s
}

// blanks returns where the white space from i on ends.
func blanks(data []byte, i int) int {
	for i < len(data) && (data[i] == ' ' || data[i] == '\t' || data[i] == '\n' || data[i] == '\r') {
		i++
	}
	return i
}

// stringEnd returns where the string that begins at i ends.
func stringEnd(data []byte, i int) int {
	for i++; data[i] != '"'; i++ {
		if data[i] == '\\' {
			i++
		}
	}
	return i + 1
}

// valueEnd returns where the value that begins at i ends.
func valueEnd(data []byte, i int) (int, error) {
	switch data[i] {
	case '"':
		return stringEnd(data, i), nil
	case '{', '[':
		return nestedEnd(data, i), nil
	}
	end := i
	for end < len(data) && strings.IndexByte(",]} \t\n\r", data[end]) < 0 {
		end++
	}
	if end-i > maxNumber {
		return end, fmt.Errorf("a number has %d characters, expected at most %d", end-i, maxNumber)
	}
	return end, nil
}

// nestedEnd returns where the object or list that begins at i ends.
func nestedEnd(data []byte, i int) int {
	for depth := 0; ; i++ {
		switch data[i] {
		case '"':
			i = stringEnd(data, i) - 1
		case '{', '[':
			depth++
		case '}', ']':
			if depth--; depth == 0 {
				return i + 1
			}
		}
	}
}
