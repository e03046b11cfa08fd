package strictjson

import (
	"bytes"
	"fmt"
	"hash/maphash"
	"slices"
	"strings"
)

// KeyError is what is wrong with the keys of an object.
type KeyError struct {
	Path string // of the object, such as messages[0].content; "" is the whole value
	Err  error
}

func (e *KeyError) Error() string { return e.Err.Error() }
func (e *KeyError) Unwrap() error { return e.Err }

// Distinct returns a *KeyError for an object in valid JSON, at any depth, that has a key
// twice, or that has more than most keys with those around it. It keeps eight bytes for
// each of these keys.
func Distinct(data []byte, most int) error {
	s := &keyScan{data: data, most: most, seed: maphash.MakeSeed()}
	s.value(blanks(data, 0))
	if s.fault == nil {
		return nil
	}
	return &KeyError{Path: pathTo(data, s.object), Err: s.fault}
}

// keyScan looks for keys that are there twice, by their hashes.
type keyScan struct {
	data   []byte
	most   int
	seed   maphash.Seed
	hashes []uint64 // of the keys of the objects that are open
	fault  error
	object int // where the object at fault begins
}

// value returns where the value that begins at i ends, while there is no fault.
func (s *keyScan) value(i int) int {
	if c := s.data[i]; c == '{' || c == '[' {
		return s.parts(i)
	}
	return endOf(s.data, i)
}

// endOf returns where the value that begins at i ends, however long it is.
func endOf(data []byte, i int) int {
	end, _ := valueEnd(data, i)
	return end
}

// parts is value of an object or a list.
func (s *keyScan) parts(begin int) int {
	first := len(s.hashes)
	i := blanks(s.data, begin+1)
	for s.data[i] != '}' && s.data[i] != ']' {
		if s.data[begin] == '{' {
			if len(s.hashes) == s.most {
				s.fault, s.object = fmt.Errorf("an object has more than %d members", s.most), begin
				return i
			}
			end := stringEnd(s.data, i)
			s.hashes = append(s.hashes, s.hash(s.data[i:end]))
			i = blanks(s.data, blanks(s.data, end)+1) // behind the colon
		}
		if i = s.value(i); s.fault != nil {
			return i
		}
		if i = blanks(s.data, i); s.data[i] == ',' {
			i = blanks(s.data, i+1)
		}
	}
	keys := s.hashes[first:]
	slices.Sort(keys)
	for k := range max(0, len(keys)-1) {
		if keys[k] == keys[k+1] {
			s.fault, s.object = fmt.Errorf("key %q appears twice", s.named(begin, keys[k])), begin
			break
		}
	}
	s.hashes = s.hashes[:first]
	return i + 1
}

func (s *keyScan) hash(raw []byte) uint64 {
	if bytes.IndexByte(raw, '\\') < 0 {
		return maphash.Bytes(s.seed, raw[1:len(raw)-1])
	}
	return maphash.String(s.seed, Text(raw))
}

// named is the key of a hash in the object that begins at a place.
func (s *keyScan) named(begin int, hash uint64) (key string) {
	_ = split(s.data[begin:], '{', func(i int) (int, error) {
		end := stringEnd(s.data, begin+i)
		if raw := s.data[begin+i : end]; s.hash(raw) == hash {
			key = Text(raw)
		}
		return endOf(s.data, blanks(s.data, blanks(s.data, end)+1)) - begin, nil
	})
	return key
}

// pathTo is the path of the value that begins at a place.
func pathTo(data []byte, at int) string {
	var path strings.Builder
	for i := blanks(data, 0); i < at; {
		i = step(data, i, at, &path)
	}
	return strings.TrimPrefix(path.String(), ".")
}

// step writes the step from the object or list that begins at a place to its part that
// has another place in it, and returns where that part begins.
func step(data []byte, begin, at int, path *strings.Builder) int {
	index, i := 0, blanks(data, begin+1)
	for {
		key := ""
		if data[begin] == '{' {
			end := stringEnd(data, i)
			key = "." + Text(data[i:end])
			i = blanks(data, blanks(data, end)+1)
		}
		end := endOf(data, i)
		if at < end {
			if path.WriteString(key); key == "" {
				fmt.Fprintf(path, "[%d]", index)
			}
			return i
		}
		i = blanks(data, blanks(data, end)+1) // behind the comma
		index++
	}
}
