package console

import (
	"crypto/rand"
	"net/http"
	"sync"
	"time"
)

const (
	cookieName = "hachi-console"
	// maxSessions bounds the people who are signed in, and sessionFor the time without a
	// request after which one of them is signed out.
	maxSessions = 256
	sessionFor  = 8 * time.Hour
)

// session is the key of a person who is signed in. The key is asked about at every
// request, so one that was taken back, or has expired, ends the session.
type session struct {
	key  string
	used time.Time
}

// sessions are those who are signed in, by the secret of their cookie. They are in
// memory only: the end of the process signs everyone out.
type sessions struct {
	mu  sync.Mutex // guards all
	all map[string]session
}

func newSessions() *sessions { return &sessions{all: map[string]session{}} }

// begin returns the cookie of a new session.
func (s *sessions) begin(key string, secure bool) *http.Cookie {
	s.mu.Lock()
	defer s.mu.Unlock()
	now := time.Now()
	oldest := ""
	for secret, one := range s.all {
		if now.Sub(one.used) > sessionFor {
			delete(s.all, secret)
		} else if oldest == "" || one.used.Before(s.all[oldest].used) {
			oldest = secret
		}
	}
	if len(s.all) >= maxSessions {
		delete(s.all, oldest)
	}
	secret := rand.Text() // at least 128 random bits
	s.all[secret] = session{key, now}
	return cookie(secret, secure, 0)
}

// key is that of the session of a request; "" without one.
func (s *sessions) key(r *http.Request) string {
	c, err := r.Cookie(cookieName)
	if err != nil {
		return ""
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	one, ok := s.all[c.Value]
	if !ok || time.Since(one.used) > sessionFor {
		delete(s.all, c.Value)
		return ""
	}
	one.used = time.Now()
	s.all[c.Value] = one
	return one.key
}

// end ends the session of a request, and returns a cookie that a browser forgets.
func (s *sessions) end(r *http.Request) *http.Cookie {
	if c, err := r.Cookie(cookieName); err == nil {
		s.mu.Lock()
		delete(s.all, c.Value)
		s.mu.Unlock()
	}
	return cookie("", r.TLS != nil, -1)
}

func cookie(value string, secure bool, age int) *http.Cookie {
	return &http.Cookie{Name: cookieName, Value: value, Path: Root, MaxAge: age, HttpOnly: true, Secure: secure, SameSite: http.SameSiteStrictMode}
}
