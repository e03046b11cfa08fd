package s3test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"
)

// Server is an object store, an http.Handler. Its buckets exist.
type Server struct {
	// Access and Secret are the keys that requests must be signed with.
	Access, Secret string
	// Fault, which may be nil, answers instead and reports that it has.
	Fault func(w http.ResponseWriter, r *http.Request) bool

	mu      sync.Mutex // guards the fields below
	objects map[string]object
	puts    int
}

type object struct {
	data []byte
	meta http.Header
}

// Puts counts the objects that were written.
func (s *Server) Puts() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.puts
}

// Set writes an object, by BUCKET/KEY.
func (s *Server) Set(key string, data []byte) {
	s.set("/"+key, object{data: data})
}

func (s *Server) set(path string, o object) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects == nil {
		s.objects = map[string]object{}
	}
	s.objects[path] = o
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if s.Fault != nil && s.Fault(w, r) {
		return
	}
	if !signed(r, s.Access, s.Secret) {
		refuse(w, http.StatusForbidden, "SignatureDoesNotMatch")
		return
	}
	switch r.Method {
	case http.MethodPut:
		s.put(w, r)
	case http.MethodGet, http.MethodHead:
		s.get(w, r)
	default:
		refuse(w, http.StatusMethodNotAllowed, "MethodNotAllowed")
	}
}

// refuse answers as S3 does.
func refuse(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code)
}

func (s *Server) put(w http.ResponseWriter, r *http.Request) {
	data, err := io.ReadAll(r.Body)
	sum := sha256.Sum256(data)
	if err != nil || hex.EncodeToString(sum[:]) != r.Header.Get("X-Amz-Content-Sha256") {
		refuse(w, http.StatusForbidden, "XAmzContentSHA256Mismatch")
		return
	}
	o := object{data, http.Header{}}
	for name, values := range r.Header {
		if strings.HasPrefix(name, "X-Amz-Meta-") {
			o.meta[name] = values
		}
	}
	s.set(r.URL.Path, o)
	s.mu.Lock()
	s.puts++
	s.mu.Unlock()
	w.Header().Set("ETag", o.tag())
}

func (o object) tag() string {
	sum := sha256.Sum256(o.data)
	return `"` + hex.EncodeToString(sum[:16]) + `"`
}

func (s *Server) get(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	o, ok := s.objects[r.URL.Path]
	s.mu.Unlock()
	if !ok {
		refuse(w, http.StatusNotFound, "NoSuchKey")
		return
	}
	for name, values := range o.meta {
		w.Header()[name] = values
	}
	w.Header().Set("ETag", o.tag())
	w.Header().Set("Content-Type", "application/octet-stream")
	http.ServeContent(w, r, "", time.Unix(1, 0), bytes.NewReader(o.data))
}
