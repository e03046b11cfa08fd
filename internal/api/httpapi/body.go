package httpapi

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hachi-serve/hachi/internal/api/admission"
	"github.com/hachi-serve/hachi/internal/strictjson"
)

const (
	// MaxBody bounds a request: a context's worth of text is far smaller.
	MaxBody = 8 << 20
	// BodyWithin bounds the time a client takes to send it.
	BodyWithin = time.Minute
)

// readBody reads the body of a request that says it is JSON, bounded in size and
// time. A large one needs a place in the budget before it is read.
func readBody(w http.ResponseWriter, r *http.Request, pass *admission.Pass) ([]byte, error) {
	if err := checkMediaType(r.Header); err != nil {
		return nil, err
	}
	tooLong := refusal(http.StatusRequestEntityTooLarge, CodeTooLarge, fmt.Sprintf("the body is larger than %d bytes", MaxBody))
	if r.ContentLength > MaxBody {
		return nil, tooLong
	}
	// A recorder in a test has no deadlines; a connection has.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(BodyWithin))
	raw, err := readAll(http.MaxBytesReader(connection(w), r.Body, MaxBody), r.ContentLength, pass)
	if err == nil {
		// What is read from now on is the client's end. After a failure net/http
		// reads what is left of the body, in what is left of the time.
		_ = control.SetReadDeadline(time.Time{})
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, tooLong
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, refusal(http.StatusRequestTimeout, CodeTimeout, fmt.Sprintf("the body did not arrive within %v", BodyWithin))
	case errors.Is(err, admission.ErrBusy):
		return nil, err
	case err != nil:
		return nil, Invalid("", "", "the body could not be read") // the cause has addresses
	}
	return raw, nil
}

// readAll reads a body of a length; -1 is an unknown one. Its memory is that of the
// body, and in sum twice that if the length is unknown.
func readAll(from io.Reader, length int64, pass *admission.Pass) ([]byte, error) {
	const first = 4 << 10
	size := max(first, min(length+1, MaxBody+1)) // one more byte finds the end
	for raw := []byte(nil); ; size = min(2*size, MaxBody+1) {
		if err := pass.Hold(size - 1); err != nil {
			return nil, err
		}
		raw = slices.Grow(raw, int(size)-len(raw))
		n, err := io.ReadFull(from, raw[len(raw):size])
		switch raw = raw[:len(raw)+n]; err {
		case nil:
		case io.EOF, io.ErrUnexpectedEOF:
			return raw, nil
		default:
			return nil, err
		}
	}
}

// connection is the writer that http.MaxBytesReader knows how to close.
func connection(w http.ResponseWriter) http.ResponseWriter {
	if a, ok := w.(*answer); ok {
		return a.ResponseWriter
	}
	return w
}

// checkMediaType refuses bodies that are not JSON. A body without a type is
// taken as JSON.
func checkMediaType(h http.Header) error {
	refuse := func(message string) error {
		return refusal(http.StatusUnsupportedMediaType, CodeMediaType, message)
	}
	if e := h.Get("Content-Encoding"); e != "" && e != "identity" {
		return refuse(fmt.Sprintf("the Content-Encoding is %q, expected none", e))
	}
	value := h.Get("Content-Type")
	if value == "" {
		return nil
	}
	kind, params, err := mime.ParseMediaType(value)
	if err != nil || kind != "application/json" {
		return refuse(fmt.Sprintf("the Content-Type is %q, expected application/json: send the header Content-Type: application/json (curl: add -H 'Content-Type: application/json')", value))
	}
	if charset := params["charset"]; charset != "" && !strings.EqualFold(charset, "utf-8") {
		return refuse(fmt.Sprintf("the charset is %q, expected utf-8", charset))
	}
	return nil
}

// decode checks a body strictly: valid UTF-8, one object without a key that appears
// twice, nothing after it. It returns the Reader of a body whose prompt has at most prompt bytes; 0 is no
// bound.
func decode(raw []byte, prompt int) (*Reader, error) {
	if bytes.HasPrefix(raw, []byte("\ufeff")) {
		return nil, Invalid("", "", "the body begins with a byte order mark, the bytes EF BB BF, which is no JSON: send it without")
	}
	if !utf8.Valid(raw) {
		return nil, Invalid("", "", "the body is not valid UTF-8")
	}
	if err := strictjson.Valid(raw); err != nil {
		return nil, Invalid("", "", "the body is not a JSON object as expected: "+err.Error())
	}
	if at, ok := loneSurrogate(raw); ok {
		return nil, Invalid("", "", fmt.Sprintf("the escape %s at byte %d of the body is half a surrogate pair: it stands for no character", raw[at:at+6], at))
	}
	r, err := newReader(raw, "", newState(prompt))
	if err != nil {
		return nil, Invalid("", "", "the body is not a JSON object as expected: "+err.Error())
	}
	var keys *strictjson.KeyError
	if errors.As(strictjson.Distinct(raw, maxValues), &keys) {
		path := clip(keys.Path)
		return nil, Invalid(path, CodeValue, path+": "+clip(keys.Error()))
	}
	return r, nil
}

// loneSurrogate finds an escape \uD800 to \uDFFF without its other half in
// JSON text; encoding/json would make it U+FFFD and so change the prompt.
func loneSurrogate(raw []byte) (int, bool) {
	for i := 0; i < len(raw); i++ {
		next := bytes.IndexByte(raw[i:], '\\')
		if next < 0 {
			break
		}
		i += next
		first, ok := escaped(raw[i:])
		switch {
		case !ok:
			i++ // the escaped character, perhaps a backslash
		case !utf16.IsSurrogate(first):
			i += 5
		default:
			second, ok := escaped(raw[i+6:])
			if !ok || utf16.DecodeRune(first, second) == utf8.RuneError {
				return i, true
			}
			i += 11
		}
	}
	return 0, false
}

// escaped reads an escape of the form \uXXXX.
func escaped(raw []byte) (rune, bool) {
	if len(raw) < 6 || raw[0] != '\\' || raw[1] != 'u' {
		return 0, false
	}
	v, err := strconv.ParseUint(string(raw[2:6]), 16, 16)
	return rune(v), err == nil
}
