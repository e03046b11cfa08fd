package console

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net/http"

	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/status"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Root is the path under which a console is served.
const Root = "/console"

// Acts carries out what operators ask for: *status.Source. key is the operator's; ""
// has none.
type Acts interface {
	Drain(ctx context.Context, key, node string, undo bool) error
	Cancel(ctx context.Context, key, role, process string, number uint64) error
	Plan(ctx context.Context, key string, r *hachiv1.PlanPlacementRequest) (*hachiv1.PlanPlacementResponse, error)
}

// Config describes a console.
type Config struct {
	Watcher *status.Watcher
	Acts    Acts
	// Gate has the keys of admins; without any, everyone who reaches the console is an
	// operator.
	Gate *keys.Gate
	// IsOperator reports whether a connection shows the certificate of an operator; nil
	// knows none.
	IsOperator func(*tls.ConnectionState) bool
	// Process is the name of the process that serves the console.
	Process string
	// Chat answers on the page Chat; nil has no such page.
	Chat Chat
	// TracePage is the address of the page of a trace, "" without one; nil has none.
	TracePage func(id string) string
	Logger    *slog.Logger // nil is silent
}

// Console serves the pages.
type Console struct {
	Config
	assets   assets
	pages    pages
	sessions *sessions
	origins  *http.CrossOriginProtection
	mux      *http.ServeMux
}

// access says who may call a route.
type access int

const (
	operators access = iota
	viewers
	everyone
)

// route is a pattern of http.ServeMux, who may call it, and what answers.
type route struct {
	pattern string
	access  access
	handle  func(http.ResponseWriter, *http.Request, Person) error
}

// New makes a console.
func New(c Config) *Console {
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	out := &Console{Config: c, assets: readAssets(), sessions: newSessions(), origins: http.NewCrossOriginProtection(), mux: http.NewServeMux()}
	out.pages = parsePages()
	for _, r := range out.routes() {
		out.mux.HandleFunc(r.pattern, func(w http.ResponseWriter, req *http.Request) { out.serve(w, req, r) })
	}
	return out
}

// routes are everything that a console serves.
func (c *Console) routes() []route {
	all := []route{
		{"GET /console/assets/{hash}/{file...}", everyone, c.asset},
		{"GET /console/login", everyone, c.loginPage},
		{"POST /console/login", everyone, c.login},
		{"POST /console/logout", everyone, c.logout},
		{"GET /console/{$}", viewers, c.redirect("/console")},
		{"GET /console/history", viewers, c.history},
		{"GET /console/live/{page}", viewers, c.live},
		{"GET /console/experts/{layer}/{expert}", viewers, c.expert},
		{"GET /console/nodes/{node}/drain", operators, c.drainPage},
		{"POST /console/nodes/{node}/drain", operators, c.drain},
		{"GET /console/requests/{role}/{process}/{number}/cancel", operators, c.cancelPage},
		{"POST /console/requests/{role}/{process}/{number}/cancel", operators, c.cancel},
		{"GET /console/plan", operators, c.plan},
	}
	for _, p := range c.shown() {
		all = append(all, route{"GET " + p.path(), viewers, c.page(p)})
	}
	if c.Chat != nil {
		all = append(all, route{"POST /console/chat", operators, c.answer})
	}
	return all
}

// policy allows the console its own files and its own server only.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'self'; frame-ancestors 'none'"

// ServeHTTP implements http.Handler.
func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h.Set("Content-Security-Policy", policy)
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Referrer-Policy", "no-referrer")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	h.Set("Cache-Control", "no-store")
	if err := c.origins.Check(r); err != nil {
		c.fail(w, r, Person{}, &pageError{http.StatusForbidden, "a page of another site sent this request"})
		return
	}
	c.mux.ServeHTTP(w, r)
}

// serve answers a request for a route, if the caller may call it.
func (c *Console) serve(w http.ResponseWriter, r *http.Request, to route) {
	who, leave, err := c.person(r, to.access)
	if err != nil {
		c.turnAway(w, r, err)
		return
	}
	defer leave()
	if to.access != everyone {
		c.Watcher.Ask()
	}
	if err := to.handle(w, r, who); err != nil {
		c.fail(w, r, who, err)
	}
}

// turnAway leads a person who is not signed in to the page that does it.
func (c *Console) turnAway(w http.ResponseWriter, r *http.Request, err error) {
	var refusal *keys.Refusal
	signIn := !errors.As(err, &refusal) || refusal.Reason == keys.Missing || refusal.Reason == keys.Unknown || refusal.Reason == keys.Expired
	if signIn && r.Method == http.MethodGet && r.Header.Get("Authorization") == "" && r.Header.Get("Accept") != eventStream {
		http.Redirect(w, r, Root+"/login", http.StatusSeeOther)
		return
	}
	code := http.StatusForbidden
	if signIn {
		code = http.StatusUnauthorized
	}
	c.fail(w, r, Person{}, &pageError{code, err.Error()})
}

// pageError is an error with a status.
type pageError struct {
	code int
	text string
}

func (e *pageError) Error() string { return e.text }

// fail shows an error as a page.
func (c *Console) fail(w http.ResponseWriter, r *http.Request, who Person, err error) {
	code := http.StatusBadGateway
	var known *pageError
	if errors.As(err, &known) {
		code = known.code
	}
	c.Logger.Debug("a page of the console failed", "path", r.URL.Path, "err", err)
	w.WriteHeader(code)
	_ = c.pages.write(w, "error", c.frame(who, "Error", "", err.Error())) // a browser that is gone sees nothing
}

func (c *Console) redirect(to string) func(http.ResponseWriter, *http.Request, Person) error {
	return func(w http.ResponseWriter, r *http.Request, _ Person) error {
		http.Redirect(w, r, to, http.StatusSeeOther)
		return nil
	}
}

// name is who did something, for the log.
func (p Person) name() string { return cmp.Or(p.Name, "an operator without a key") }
