package httpapi

import (
	"crypto/tls"
	"errors"
	"math"
	"net/http"
	"strconv"

	"github.com/hachi-serve/hachi/internal/api/access"
	"github.com/hachi-serve/hachi/internal/api/keys"
)

// Access says who may call a route.
type Access int

// Accesses. The zero value asks for a key: a route that says nothing is closed.
const (
	ClientAccess Access = iota // the holders of a client's key
	AdminAccess                // the holders of an admin's key
	OpenAccess                 // everyone
)

// guarded serves a table to those who may call its routes. It asks for the key of the
// route that will serve the request, so no spelling of a path leads past it. An
// unknown URL asks for a client's key.
type guarded struct {
	table
	gate    *keys.Gate
	isAdmin func(*tls.ConnectionState) bool
}

// ServeHTTP implements http.Handler.
func (g guarded) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	to := g.find(r.URL.Path)
	if to.shape != nil {
		answerOf(w).shape = to.shape
	}
	if to.access == OpenAccess || to.access == AdminAccess && g.isAdmin != nil && g.isAdmin(r.TLS) {
		g.serve(w, r, to)
		return
	}
	enter := g.gate.Enter
	if to.access == AdminAccess {
		enter = g.gate.EnterAdmin
	}
	record := access.FromContext(r.Context())
	caller, err := enter(keys.Credential(r.Header.Values))
	if err != nil {
		record.Err = err
		refuse(w, err)
		return
	}
	defer caller.Leave()
	defer func() { caller.Use(record.PromptTokens, record.CompletionTokens) }()
	record.Client = caller.Name()
	g.serve(w, r.WithContext(keys.NewContext(r.Context(), caller)), to)
}

// refuse answers a request without the right key, and says when it may come again.
func refuse(w http.ResponseWriter, err error) {
	var r *keys.Refusal
	if errors.As(err, &r) && r.After > 0 {
		w.Header().Set("Retry-After", strconv.FormatFloat(math.Ceil(r.After.Seconds()), 'f', 0, 64))
	}
	if toError(err).Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="hachi"`)
	}
	Fail(w, err)
}
