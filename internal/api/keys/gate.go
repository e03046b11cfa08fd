package keys

import (
	"context"
	"time"
)

// Gate stands before the APIs of a process. A nil Gate is open to everyone.
type Gate struct {
	// Clients are the keys of clients; nil asks no client for a key.
	Clients *Guard
	// Admins are the keys of admins; nil has none.
	Admins *Guard
	// SharedCache lets all clients share one prefix cache. Then the time to the
	// first token says what other clients have sent.
	SharedCache bool
}

// Enter lets a client's request in, by its key. Leave must be called. The error is a
// *Refusal.
func (g *Gate) Enter(key string) (*Caller, error) {
	if g == nil || g.Clients == nil {
		return nil, nil
	}
	return enter(g.Clients, key, g.SharedCache)
}

// EnterAdmin lets an operator's request in. Without keys of admins and of clients
// everyone is an operator.
func (g *Gate) EnterAdmin(key string) (*Caller, error) {
	c, err := g.EnterViewer(key)
	if err == nil && c.IsViewer() {
		c.Leave()
		return nil, g.Admins.count(refusef(AdminOnly, c.Name(), "%s may look and not act: this needs the key of an operator", c.Name()))
	}
	return c, err
}

// EnterKeyed lets an operator's request in that a process of the cluster hands on.
// Without keys of admins no such request passes: the process is no operator.
func (g *Gate) EnterKeyed(key string) (*Caller, error) {
	if g == nil || g.Admins == nil {
		return nil, refusef(AdminOnly, "", "this needs the key of an operator, and the server has none (security.adminKeys)")
	}
	return g.EnterAdmin(key)
}

// EnterViewer lets the request of a viewer or of an operator in. Without keys of admins
// and of clients everyone is an operator.
func (g *Gate) EnterViewer(key string) (*Caller, error) {
	switch {
	case g == nil || g.Admins == nil && g.Clients == nil:
		return nil, nil
	case g.Admins == nil:
		return nil, g.Clients.count(refusef(AdminOnly, "", "this needs the key of an admin, and the server has none (security.adminKeys)"))
	}
	if g.Clients != nil && key != "" && g.Admins.find(HashOf(key)) == nil && g.Clients.find(HashOf(key)) != nil {
		return nil, g.Clients.count(refusef(AdminOnly, "", "this needs the key of an admin; the API key is a client's"))
	}
	return enter(g.Admins, key, true)
}

func enter(guard *Guard, key string, shared bool) (*Caller, error) {
	c, err := guard.enter(key)
	if err != nil {
		return nil, err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return &Caller{client: c, entry: c.entry, shared: shared}, nil
}

// Caller is a client during one request. A nil Caller is a client without a key, on
// a server that asks for none.
type Caller struct {
	client *client
	entry  Entry // as it was when the request came
	shared bool
}

// Name is the client's; "" without a key.
func (c *Caller) Name() string {
	if c == nil {
		return ""
	}
	return c.entry.Name
}

// IsViewer reports whether the caller may look and not act.
func (c *Caller) IsViewer() bool { return c != nil && c.entry.Role == RoleViewer }

// Leave ends the request.
func (c *Caller) Leave() {
	if c != nil {
		c.client.leave()
	}
}

// Use counts the tokens of a prompt and of its answers.
func (c *Caller) Use(prompt, completion int) {
	if c != nil {
		c.client.use(prompt, completion, time.Now())
	}
}

// CheckPriority refuses a priority that is more urgent than the client's entry
// allows. The error is a *Refusal.
func (c *Caller) CheckPriority(priority int) error {
	if c == nil || priority >= c.entry.MaxPriority {
		return nil
	}
	r := refusef(TooUrgent, c.entry.Name, "priority: %d is more urgent than the %d that the API key of %s allows", priority, c.entry.MaxPriority, c.entry.Name)
	c.client.refuse(r)
	return r
}

// Salt separates the prefix caches of clients. own is the salt that a request
// carries; equal salts of two clients are two salts.
func (c *Caller) Salt(own string) string {
	if c == nil || c.shared {
		return own
	}
	// No name has a NUL, and no client without a key runs beside this one.
	if c.entry.Salt != "" {
		return "salt\x00" + c.entry.Salt + "\x00" + own
	}
	return "name\x00" + c.entry.Name + "\x00" + own
}

type contextKey struct{}

// NewContext returns a context that carries a caller.
func NewContext(ctx context.Context, c *Caller) context.Context {
	return context.WithValue(ctx, contextKey{}, c)
}

// FromContext returns the caller of a request; nil if ctx carries none.
func FromContext(ctx context.Context) *Caller {
	c, _ := ctx.Value(contextKey{}).(*Caller)
	return c
}
