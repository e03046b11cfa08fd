package source

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// WebConfig configures files behind HTTP.
type WebConfig struct {
	// Token is sent as a bearer token to the host of the base URL, and to no other.
	Token string
	// RedirectHosts are the hosts, HOST or HOST:PORT, to which a redirect may lead, beside
	// that of the base URL.
	RedirectHosts []string
	// Transport is for tests; nil is one that verifies certificates.
	Transport http.RoundTripper
}

// web is files below a base URL, for example the directory of a model that a static
// file server serves.
type web struct {
	base   *url.URL
	token  string
	client *http.Client
}

// maxRedirects bounds the hops of one request.
const maxRedirects = 5

// NewWeb makes the files below the base URL of a location.
func NewWeb(l Location, c WebConfig) (Files, error) {
	if c.Token != "" && l.URL.Scheme != "https" && !isLoopback(l.URL.Hostname()) {
		return nil, &Error{Place: l.String(), Kind: Refused, Err: errors.New("credentials are not sent in plaintext: use https")}
	}
	w := &web{base: l.URL, token: c.Token}
	transport := c.Transport
	if transport == nil {
		transport = NewTransport()
	}
	w.client = &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		return w.checkRedirect(r, via, c.RedirectHosts)
	}}
	return w, nil
}

// NewTransport makes connections for a source. Bodies come as they are stored.
func NewTransport() *http.Transport {
	return &http.Transport{
		Proxy: http.ProxyFromEnvironment, DialContext: (&net.Dialer{Timeout: 10 * time.Second}).DialContext,
		TLSHandshakeTimeout: 10 * time.Second, ResponseHeaderTimeout: stall, MaxIdleConnsPerHost: maxStreams,
		IdleConnTimeout: time.Minute, DisableCompression: true, ForceAttemptHTTP2: true, MaxResponseHeaderBytes: 64 << 10,
	}
}

// checkRedirect refuses to be led to a host that the operator did not name: the host may be one that
// only this machine reaches.
func (w *web) checkRedirect(r *http.Request, via []*http.Request, allowed []string) error {
	refuse := func(format string, args ...any) error {
		return &Error{Place: w.String(), Kind: Refused, Err: fmt.Errorf(format, args...)}
	}
	own := r.URL.Scheme == w.base.Scheme && r.URL.Host == w.base.Host
	switch {
	case len(via) > maxRedirects:
		return refuse("more than %d redirects", maxRedirects)
	case r.URL.Scheme != "https" && w.base.Scheme == "https", r.URL.Scheme != "https" && r.URL.Scheme != "http":
		return refuse("a redirect to plaintext at %s", r.URL.Host)
	case !own && !slices.Contains(allowed, r.URL.Host) && !slices.Contains(allowed, r.URL.Hostname()):
		return refuse("a redirect to the host %s; --model-redirect-host %s allows it", r.URL.Host, r.URL.Hostname())
	case !own:
		r.Header.Del("Authorization")
	}
	return nil
}

// Close implements io.Closer.
func (w *web) Close() error {
	w.client.CloseIdleConnections()
	return nil
}

// String implements Files.
func (w *web) String() string { return strings.TrimRight(w.base.String(), "/") }

// Stat implements Files. One byte tells the size and whether the server answers range
// requests.
func (w *web) Stat(ctx context.Context, name string) (Info, error) {
	resp, err := w.get(ctx, name, "bytes=0-0")
	if err != nil {
		return Info{}, err
	}
	defer resp.Body.Close()
	info := Info{Version: versionOf(resp)}
	switch resp.StatusCode {
	case http.StatusPartialContent:
		first, last, size, ok := parseContentRange(resp.Header.Get("Content-Range"))
		if !ok || first != 0 || last != 0 {
			return info, w.malformed(name, "Content-Range %q answers bytes=0-0", resp.Header.Get("Content-Range"))
		}
		info.Size = size
		return info, nil
	case http.StatusOK:
		if info.Size = resp.ContentLength; info.Size < 0 {
			return info, w.malformed(name, "neither a Content-Range nor a Content-Length")
		}
		return info, nil
	case http.StatusRequestedRangeNotSatisfiable:
		if resp.Header.Get("Content-Range") == "bytes */0" {
			return info, nil
		}
	}
	return info, w.failed(name, resp)
}

// Open implements Files.
func (w *web) Open(ctx context.Context, name string, as Info, at, n int64) (io.ReadCloser, error) {
	whole := at == 0 && n == as.Size
	wanted := ""
	if !whole {
		wanted = fmt.Sprintf("bytes=%d-%d", at, at+n-1)
	}
	resp, err := w.get(ctx, name, wanted)
	if err != nil {
		return nil, err
	}
	if err := w.check(name, resp, as, at, n); err != nil {
		resp.Body.Close()
		return nil, err
	}
	return resp.Body, nil
}

// check compares an answer with what was asked for.
func (w *web) check(name string, resp *http.Response, as Info, at, n int64) error {
	is := Info{Size: as.Size, Version: versionOf(resp)}
	switch resp.StatusCode {
	case http.StatusOK:
		if is.Size = resp.ContentLength; is.Size < 0 {
			is.Size = as.Size
		}
		if is == as && (at != 0 || n != as.Size) {
			return &Error{w.String(), name, Refused, errors.New("the server does not answer range requests: serve the model by one that does, or download the model and give its directory")}
		}
	case http.StatusPartialContent:
		first, last, size, ok := parseContentRange(resp.Header.Get("Content-Range"))
		if !ok || first != at || last != at+n-1 {
			return w.malformed(name, "Content-Range %q answers bytes=%d-%d", resp.Header.Get("Content-Range"), at, at+n-1)
		}
		if is.Size = size; resp.ContentLength >= 0 && resp.ContentLength != n {
			return w.malformed(name, "Content-Length %d answers a range of %d bytes", resp.ContentLength, n)
		}
	case http.StatusRequestedRangeNotSatisfiable:
		size, err := strconv.ParseInt(strings.TrimPrefix(resp.Header.Get("Content-Range"), "bytes */"), 10, 64)
		if err != nil || size == as.Size {
			return w.failed(name, resp)
		}
		is.Size = size
	default:
		return w.failed(name, resp)
	}
	if is != as {
		return changed(w.String(), name, as, is)
	}
	return nil
}

// get asks for a file, or a range of it. The caller closes the body.
func (w *web) get(ctx context.Context, name, wanted string) (*http.Response, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodGet, w.base.JoinPath(url.PathEscape(name)).String(), nil)
	if err != nil {
		return nil, &Error{w.String(), name, Malformed, err}
	}
	r.Header.Set("Accept-Encoding", "identity")
	if wanted != "" {
		r.Header.Set("Range", wanted)
	}
	if w.token != "" {
		r.Header.Set("Authorization", "Bearer "+w.token)
	}
	resp, err := w.client.Do(r)
	var refused *Error
	switch {
	case errors.As(err, &refused):
		return nil, &Error{w.String(), name, refused.Kind, refused.Err}
	case err != nil:
		return nil, &Error{w.String(), name, OfTransport(err), WithoutURL(err)}
	case resp.Header.Get("Content-Encoding") != "" && resp.Header.Get("Content-Encoding") != "identity":
		resp.Body.Close()
		return nil, w.malformed(name, "Content-Encoding %q, and the bytes of the file are needed", resp.Header.Get("Content-Encoding"))
	}
	return resp, nil
}

// OfTransport is the kind of an error without an answer. A certificate that is not
// trusted stays so.
func OfTransport(err error) Kind {
	if isCertificate(err) {
		return Refused
	}
	return Unavailable
}

// WithoutURL drops the URL of a request from its error: a redirect's may be signed.
func WithoutURL(err error) error {
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}

func (w *web) malformed(name, format string, args ...any) error {
	return &Error{w.String(), name, Malformed, fmt.Errorf(format, args...)}
}

// failed is the error of a status. A signed URL to which a redirect led may have run out:
// the next try gets another.
func (w *web) failed(name string, resp *http.Response) error {
	kind := OfStatus(resp.StatusCode)
	if kind == Denied && resp.Request.URL.Host != w.base.Host {
		kind = Unavailable
	}
	return &Error{w.String(), name, kind, fmt.Errorf("HTTP status %d", resp.StatusCode)}
}

// versionOf is what tells versions of a file apart. A hub that redirects to a store names
// the file's own tag, and each server of the store may have another.
func versionOf(resp *http.Response) string {
	for r := resp; r != nil; r = r.Request.Response {
		if tag := r.Header.Get("X-Linked-Etag"); tag != "" {
			return tag
		}
	}
	if tag := resp.Header.Get("ETag"); tag != "" {
		return tag
	}
	return resp.Header.Get("Last-Modified")
}

// parseContentRange reads "bytes FIRST-LAST/SIZE".
func parseContentRange(text string) (first, last, size int64, ok bool) {
	spec, found := strings.CutPrefix(text, "bytes ")
	part, total, foundSize := strings.Cut(spec, "/")
	from, to, foundPart := strings.Cut(part, "-")
	if !found || !foundSize || !foundPart {
		return 0, 0, 0, false
	}
	numbers := [3]int64{}
	for i, digits := range []string{from, to, total} {
		n, err := strconv.ParseUint(digits, 10, 62)
		if err != nil {
			return 0, 0, 0, false
		}
		numbers[i] = int64(n)
	}
	first, last, size = numbers[0], numbers[1], numbers[2]
	return first, last, size, first <= last && last < size
}
