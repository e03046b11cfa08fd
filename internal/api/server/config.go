package server

import (
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"time"

	"google.golang.org/grpc"

	"github.com/hachi-serve/hachi/internal/api"
)

// Config is what is served, and where. Serve owns the listeners.
type Config struct {
	API        api.Config // its Service also answers gRPC
	HTTP, GRPC net.Listener
	TLS        *tls.Config // of HTTP; nil is plaintext
	// ServerOptions are those of the gRPC server: its certificate, and whom it lets
	// in before the API keys decide.
	ServerOptions []grpc.ServerOption
	// Wrap wraps what answers HTTP requests; nil wraps nothing.
	Wrap func(http.Handler) http.Handler
	// Register adds services to the gRPC server; nil adds none.
	Register func(grpc.ServiceRegistrar)
	// Grace bounds how long running answers may take at a graceful stop; 0 is
	// 8 s.
	Grace  time.Duration
	Logger *slog.Logger // nil is silent
}

const (
	grace = 8 * time.Second
	// errorsWithin bounds how long answers that the stop ends may take to send
	// their errors.
	errorsWithin = 2 * time.Second
)

// Missing are the pieces of a process that are not there.
type Missing []error

// Need adds a piece of a process unless it is there.
func (m *Missing) Need(there bool, piece string) {
	if !there {
		*m = append(*m, fmt.Errorf("%s is missing", piece))
	}
}

// Check adds the pieces that are missing.
func (c Config) Check(m *Missing) {
	m.Need(c.API.Completer != nil, "API.Completer")
	m.Need(c.API.Template != nil, "API.Template")
	m.Need(c.API.Deadline > 0, "API.Deadline")
	m.Need(c.HTTP != nil, "HTTP")
	m.Need(c.GRPC != nil, "GRPC")
}

// WithDefaults fills what may be left out.
func (c Config) WithDefaults() Config {
	if c.Grace == 0 {
		c.Grace = grace
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return c
}

// Close gives the listeners up before anything serves on them.
func (c Config) Close() error {
	var all []error
	for _, l := range []net.Listener{c.HTTP, c.GRPC} {
		if l != nil {
			all = append(all, l.Close())
		}
	}
	return errors.Join(all...)
}
