package httpapi

import (
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"os"
	"strconv"
	"strings"
	"time"
	"unicode/utf16"
	"unicode/utf8"

	"github.com/hachi-serve/hachi/internal/strictjson"
)

const (
	// MaxBody bounds a request: a context's worth of text is far smaller.
	MaxBody = 8 << 20
	// BodyWithin bounds the time a client takes to send it.
	BodyWithin = time.Minute
)

// readBody reads a request's object strictly: JSON by its type, bounded in size
// and time, valid UTF-8, one object without a key that appears twice, nothing
// after it.
func readBody(w http.ResponseWriter, r *http.Request) (*Reader, error) {
	if err := checkMediaType(r.Header); err != nil {
		return nil, err
	}
	// A recorder in a test has no deadlines; a connection has.
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(BodyWithin))
	raw, err := io.ReadAll(http.MaxBytesReader(connection(w), r.Body, MaxBody))
	if err == nil {
		// What is read from now on is the client's end. After a failure net/http
		// reads what is left of the body, in what is left of the time.
		_ = control.SetReadDeadline(time.Time{})
	}
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, refusal(http.StatusRequestEntityTooLarge, CodeTooLarge,
			fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit))
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, refusal(http.StatusRequestTimeout, CodeTimeout, fmt.Sprintf("the body did not arrive within %v", BodyWithin))
	case err != nil:
		return nil, Invalid("", "", "the body could not be read: "+err.Error())
	}
	return decode(raw)
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

// decode returns the Reader of a body.
func decode(raw []byte) (*Reader, error) {
	if !utf8.Valid(raw) {
		return nil, Invalid("", "", "the body is not valid UTF-8")
	}
	members, err := strictjson.Object(raw)
	if err != nil {
		return nil, Invalid("", "", "the body is not a JSON object as expected: "+err.Error())
	}
	if at, ok := loneSurrogate(raw); ok {
		return nil, Invalid("", "", fmt.Sprintf("the escape %s at byte %d of the body is half a surrogate pair: it stands for no character", raw[at:at+6], at))
	}
	return newReader(members, "", new(error)), nil
}

// loneSurrogate finds an escape \uD800 to \uDFFF without its other half in
// JSON text; encoding/json would make it U+FFFD and so change the prompt.
func loneSurrogate(raw []byte) (int, bool) {
	for i := 0; i < len(raw); i++ {
		if raw[i] != '\\' {
			continue
		}
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
