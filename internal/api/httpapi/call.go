package httpapi

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"math"
	"net/http"
	"strconv"
	"time"

	"github.com/hachi-serve/hachi/internal/api/access"
	"github.com/hachi-serve/hachi/internal/api/admission"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/failure"
	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/router/scheduler"
)

// Config is what the HTTP APIs of a router serve with.
type Config struct {
	completion.Service
	// Heartbeat is the time between the comments of a silent stream; 0 is
	// DefaultHeartbeat.
	Heartbeat time.Duration
	// Origins are those whose pages may call the APIs; AnyOrigin is every one,
	// none is no page of another origin.
	Origins []string
	// Gate asks for API keys; nil asks for none.
	Gate *keys.Gate
	// IsAdmin reports whether the certificate of a connection, which its listener has
	// verified, is an admin's: such a request needs no key for the routes of admins.
	// nil knows no such certificate, and a nil state is a connection without TLS.
	IsAdmin func(*tls.ConnectionState) bool
	// Local is set for a listener that only this machine reaches. It refuses what the
	// pages of other sites send.
	Local bool
	// Hosts are names, in lower case, that stand for this machine in the Host header
	// of requests to such a listener.
	Hosts []string
}

// WriteWithin is what a client has, after a request's deadline, to take the
// end of its answer.
const WriteWithin = 10 * time.Second

// Call is a request whose body has been received.
type Call struct {
	// Body reads the request's object. It is empty after Admitted.
	Body *Reader
	// Context ends with the client or at the deadline.
	Context context.Context
	Arrived time.Time

	w         http.ResponseWriter
	heartbeat time.Duration
	pass      *admission.Pass
}

// Endpoint answers a call, or returns an error, which Post answers.
type Endpoint func(c *Call) error

// Admitted ends the reading of the request: what the endpoint did not read of the body
// is named in the answer's header, and the body is dropped. Endpoints call it when the
// engine has accepted what they made of the body; Answer and Stream do otherwise.
func (c *Call) Admitted() {
	nameIgnored(c.w.Header(), c.Body.ignored())
	c.Body.drop()
	c.pass.Leave()
}

// Answer sends a whole answer.
func (c *Call) Answer(body any) {
	c.Admitted()
	WriteJSON(c.w, http.StatusOK, body)
}

// Stream begins a stream of events, at once. An error that the endpoint returns
// from now on becomes the last event.
func (c *Call) Stream(shape StreamShape) (*Stream, error) {
	c.Admitted()
	return newStream(answerOf(c.w), c.heartbeat, shape)
}

// Post decodes the body, bounds the request in time and answers errors.
func (c Config) Post(f Endpoint) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		started := time.Now()
		// A recorder in a test has no deadlines; a connection has.
		_ = http.NewResponseController(w).SetWriteDeadline(started.Add(c.Deadline + WriteWithin))
		client, gone := clientContext(w, r)
		defer gone()
		ctx, cancel := context.WithDeadline(client, started.Add(c.Deadline))
		defer cancel()
		pass := c.Budget.Pass()
		defer pass.Leave()
		err := failure.Catch(func() error {
			raw, err := readBody(w, r, pass)
			if err != nil {
				return err
			}
			if err := pass.Work(ctx); err != nil {
				return err
			}
			body, err := decode(raw, c.Completer.MaxPromptBytes())
			if err != nil {
				return err
			}
			return f(&Call{body, ctx, started, w, cmp.Or(c.Heartbeat, DefaultHeartbeat), pass})
		})
		if err != nil {
			c.suggestRetry(w, err)
			Fail(w, err)
		}
		if cause := client.Err(); err != nil && cause != nil {
			err = cause // whatever failed, failed because the client has gone
		}
		access.FromContext(ctx).Err = err
		c.report(ctx, err, time.Since(started))
	}
}

// suggestRetry says when a request that found the queue full may come again.
func (c Config) suggestRetry(w http.ResponseWriter, err error) {
	if c.RetryAfter != nil && errors.Is(err, scheduler.ErrQueueFull) {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(c.RetryAfter().Seconds()))))
	}
}

// report observes a request for metrics.
func (c Config) report(ctx context.Context, err error, took time.Duration) {
	outcome := failure.Outcome(nil)
	if err != nil {
		outcome = toError(err).Type
	}
	c.Observe(ctx, outcome, took)
}
