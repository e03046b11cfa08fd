package access

import (
	"crypto/rand"
	"encoding/hex"
	"strings"
)

// maxID is the maximum length of a request's id.
const maxID = 128

// RequestID takes the id that a client gave its request if it is well-formed, or
// makes one.
func RequestID(given string) string {
	hidden := func(r rune) bool { return r <= ' ' || r >= 0x7f }
	if given != "" && len(given) <= maxID && strings.IndexFunc(given, hidden) < 0 {
		return given
	}
	return NewID("req-")
}

// NewID makes an id that no other has.
func NewID(prefix string) string {
	var raw [12]byte
	_, _ = rand.Read(raw[:]) // never fails
	return prefix + hex.EncodeToString(raw[:])
}
