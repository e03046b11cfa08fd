package httpapi

import (
	"io"
	"net/http"
	"time"
)

const (
	// maxDrained is the maximum number of bytes that are read of a request which was
	// answered before its end.
	maxDrained = 8 * MaxBody
	// drainWithin bounds the time that takes.
	drainWithin = 10 * time.Second
)

// upload is the body of a request, which knows how far it was read.
type upload struct {
	io.ReadCloser
	begun, ended bool
}

// newUpload makes it the body of a request.
func newUpload(r *http.Request) *upload {
	u := &upload{ReadCloser: r.Body, ended: r.Body == nil || r.Body == http.NoBody}
	r.Body = u
	return u
}

// Read implements io.Reader.
func (u *upload) Read(p []byte) (int, error) {
	u.begun = true
	n, err := u.ReadCloser.Read(p)
	u.ended = u.ended || err == io.EOF
	return n, err
}

// drain sends the answer to a request whose body was not read to its end, and then reads
// what the client still writes, within bounds. Many clients read no answer before they
// have written the whole request, and lose the answer if the connection is closed before.
func (u *upload) drain(a *answer, expects bool) {
	waits := expects && !u.begun // the client writes nothing before it gets a 100
	if u.ended || waits || a.status == http.StatusRequestTimeout {
		return
	}
	control := http.NewResponseController(a.ResponseWriter)
	if control.Flush() != nil || control.SetReadDeadline(time.Now().Add(drainWithin)) != nil {
		return
	}
	if _, err := io.CopyN(io.Discard, u, maxDrained); err == io.EOF {
		// net/http sets the deadline of the next request.
		_ = control.SetReadDeadline(time.Time{})
	}
}
