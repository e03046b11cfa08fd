package s3

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"path"

	"github.com/minio/minio-go/v7"

	"github.com/hachi-serve/hachi/internal/weights/source"
)

// Config says where an object store is and who asks it.
type Config struct {
	// Endpoint is http://HOST or https://HOST; that of AWS_ENDPOINT_URL_S3 or
	// AWS_ENDPOINT_URL when empty, or else Amazon's.
	Endpoint string
	// Credentials is a shared credentials file; the environment's when empty.
	Credentials string
	Transport   http.RoundTripper // nil is one that verifies certificates
}

// Store is the files below a prefix of a bucket: source.Files.
type Store struct {
	core   minio.Core
	bucket string
	prefix string
	place  string
	idle   func() // closes connections that wait
}

// amazon is the endpoint without another.
const amazon = "https://s3.amazonaws.com"

// New makes the files of a location. It does not connect.
func New(l source.Location, c Config) (*Store, error) {
	endpoint := cmp.Or(c.Endpoint, os.Getenv("AWS_ENDPOINT_URL_S3"), os.Getenv("AWS_ENDPOINT_URL"), amazon)
	u, err := url.Parse(endpoint)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Path != "" && u.Path != "/" {
		return nil, errors.New("the endpoint of S3: want http://HOST or https://HOST, with no path and no credentials")
	}
	by, err := credentialsOf(c.Credentials)
	if err != nil {
		return nil, err
	}
	region := cmp.Or(os.Getenv("AWS_REGION"), os.Getenv("AWS_DEFAULT_REGION"))
	if region == "" && endpoint != amazon {
		region = "us-east-1" // what other stores take
	}
	transport := c.Transport
	if transport == nil {
		transport = source.NewTransport()
	}
	core, err := minio.NewCore(u.Host, &minio.Options{Creds: by, Secure: u.Scheme == "https", Region: region, Transport: transport, MaxRetries: 1})
	if err != nil {
		return nil, fmt.Errorf("%v: %w", l, err)
	}
	web := &http.Client{Transport: transport}
	return &Store{core: *core, bucket: l.Bucket, prefix: l.Prefix, place: l.String(), idle: web.CloseIdleConnections}, nil
}

// Close implements io.Closer.
func (s *Store) Close() error {
	s.idle()
	return nil
}

// String implements source.Files.
func (s *Store) String() string { return s.place }

func (s *Store) key(name string) string { return path.Join(s.prefix, name) }

// Stat implements source.Files.
func (s *Store) Stat(ctx context.Context, name string) (source.Info, error) {
	o, err := s.core.StatObject(ctx, s.bucket, s.key(name), minio.StatObjectOptions{})
	if err != nil {
		return source.Info{}, s.failed(name, err)
	}
	return source.Info{Size: o.Size, Version: o.ETag}, nil
}

// Open implements source.Files.
func (s *Store) Open(ctx context.Context, name string, as source.Info, at, n int64) (io.ReadCloser, error) {
	var o minio.GetObjectOptions
	whole := at == 0 && n == as.Size
	if !whole {
		if err := o.SetRange(at, at+n-1); err != nil {
			return nil, s.failed(name, err)
		}
	}
	if as.Version != "" {
		if err := o.SetMatchETag(as.Version); err != nil {
			return nil, s.failed(name, err)
		}
	}
	body, is, header, err := s.core.GetObject(ctx, s.bucket, s.key(name), o)
	if err != nil {
		return nil, s.failed(name, err)
	}
	want := fmt.Sprintf("bytes %d-%d/%d", at, at+n-1, as.Size)
	switch got := header.Get("Content-Range"); {
	case is.ETag != as.Version:
		err = &source.Error{Place: s.place, File: name, Kind: source.Changed, Err: fmt.Errorf("expected version %s, found %.80s; start the process again when the new model is complete", as.Version, is.ETag)}
	case !whole && got != want:
		err = &source.Error{Place: s.place, File: name, Kind: source.Malformed, Err: fmt.Errorf("Content-Range %.80q, expected %q", got, want)}
	case is.Size != n:
		err = &source.Error{Place: s.place, File: name, Kind: source.Malformed, Err: fmt.Errorf("%d bytes, expected %d", is.Size, n)}
	}
	if err != nil {
		body.Close()
		return nil, err
	}
	return body, nil
}

// sumKey is the metadata of an object that was written here: its SHA-256.
const sumKey = "Hachi-Sha256"

// Has reports whether Put has written a file with a SHA-256.
func (s *Store) Has(ctx context.Context, name, sum string, size int64) (bool, error) {
	o, err := s.core.StatObject(ctx, s.bucket, s.key(name), minio.StatObjectOptions{})
	if err != nil {
		if err = s.failed(name, err); source.KindOf(err) == source.Absent {
			err = nil
		}
		return false, err
	}
	return o.Size == size && o.Metadata.Get("X-Amz-Meta-"+sumKey) == sum, nil
}

// Put writes a file, whole or not at all. sum is its SHA-256, which the store checks.
func (s *Store) Put(ctx context.Context, name, sum string, size int64, from io.Reader) error {
	_, err := s.core.PutObject(ctx, s.bucket, s.key(name), from, size, "", sum, minio.PutObjectOptions{
		UserMetadata: map[string]string{sumKey: sum}, DisableMultipart: true,
		DisableContentSha256: true, // of chunks: sum is that of the whole body
	})
	if err != nil {
		return s.failed(name, err)
	}
	return nil
}

// failed makes an error of the client one of a source.
func (s *Store) failed(name string, err error) error {
	answer := minio.ToErrorResponse(err)
	out := &source.Error{Place: s.place, File: name, Kind: source.OfTransport(err), Err: source.WithoutURL(err)}
	switch status := answer.StatusCode; {
	case answer.Code == minio.NoSuchKey || answer.Code == minio.NoSuchBucket:
		out.Kind = source.Absent
	case status >= 300:
		out.Kind = source.OfStatus(status)
	}
	if out.Kind == source.Denied {
		out.Err = fmt.Errorf("%w; an absent object is denied too, unless the credentials may list the bucket", out.Err)
	}
	return out
}

// Finish does nothing: every object is complete.
func (s *Store) Finish(context.Context) error { return nil }
