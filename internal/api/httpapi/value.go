package httpapi

import (
	"bytes"
	"encoding/json"
	"math"
	"strconv"
)

// Kinds of JSON values, as messages name them.
const (
	KindObject  = "an object"
	KindList    = "a list"
	KindString  = "a string"
	KindNumber  = "a number"
	KindBoolean = "a boolean"
	KindNull    = "null"
	KindMissing = "missing"
)

// KindOf returns the kind of a JSON value, which is valid or empty.
func KindOf(raw json.RawMessage) string {
	if len(raw) == 0 {
		return KindMissing
	}
	switch raw[0] {
	case '"':
		return KindString
	case '{':
		return KindObject
	case '[':
		return KindList
	case 't', 'f':
		return KindBoolean
	case 'n':
		return KindNull
	}
	return KindNumber
}

// Whole reads a number that is an integer, saturated to 64 bits; 3.0 and 3e0 are
// 3.
func Whole(raw json.RawMessage) (int64, bool) {
	if x, err := strconv.ParseInt(string(raw), 10, 64); err == nil {
		return x, true
	}
	x, err := strconv.ParseFloat(string(raw), 64)
	switch {
	case x >= math.MaxInt64:
		return math.MaxInt64, true
	case x <= math.MinInt64:
		return math.MinInt64, true
	}
	return int64(x), err == nil && x == math.Trunc(x)
}

// Same compares a value with a compact one; numbers by their value.
func Same(raw json.RawMessage, want string) bool {
	if len(raw) > maxQuoted+len(want) {
		return false // no value that is asked for is so long
	}
	var buf bytes.Buffer
	if json.Compact(&buf, raw) != nil {
		return false
	}
	if buf.String() == want {
		return true
	}
	x, xErr := strconv.ParseFloat(string(raw), 64)
	y, yErr := strconv.ParseFloat(want, 64)
	return xErr == nil && yErr == nil && x == y
}
