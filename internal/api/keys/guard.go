package keys

import (
	"crypto/subtle"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// Guard finds the client of a key.
type Guard struct {
	mu      sync.RWMutex // guards the fields below
	members []member
	clients map[string]*client

	counting sync.Mutex // guards refused
	refused  map[Reason]uint64
}

// member is one key of a client.
type member struct {
	hash   Hash
	client *client
}

// NewGuard makes a guard of entries that Parse has read.
func NewGuard(entries []Entry) *Guard {
	g := &Guard{clients: map[string]*client{}, refused: map[Reason]uint64{}}
	g.Replace(entries)
	return g
}

// Replace gives a guard other entries. A request that runs goes on; a client that
// stays keeps what it has used of its limits.
func (g *Guard) Replace(entries []Entry) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	clients := make(map[string]*client, len(entries))
	var members []member
	for _, e := range entries {
		c := g.clients[e.Name]
		if c == nil {
			c = newClient(e, now)
		} else {
			c.change(e, now)
		}
		clients[e.Name] = c
		for _, h := range e.SHA256 {
			members = append(members, member{h, c})
		}
	}
	g.clients, g.members = clients, members
}

// enter lets the request of a key in. The error is a *Refusal.
func (g *Guard) enter(key string) (*client, error) {
	if key == "" {
		return nil, g.count(refusef(Missing, "", "the request has no API key: send the header Authorization: Bearer KEY, or x-api-key: KEY"))
	}
	c := g.find(HashOf(key))
	if c == nil {
		return nil, g.count(refusef(Unknown, "", "the API key is not known here: it is wrong, or was taken back"))
	}
	return c, c.enter(time.Now())
}

// find compares a hash with every member's; nil is none.
func (g *Guard) find(hash Hash) *client {
	g.mu.RLock()
	defer g.mu.RUnlock()
	found := -1
	for i, m := range g.members {
		found = subtle.ConstantTimeSelect(subtle.ConstantTimeCompare(m.hash[:], hash[:]), i, found)
	}
	if found < 0 {
		return nil
	}
	return g.members[found].client
}

func (g *Guard) count(r *Refusal) *Refusal {
	g.counting.Lock()
	defer g.counting.Unlock()
	g.refused[r.Reason]++
	return r
}

// Usage is what every client has used, in order of names. The first, without a name,
// has the refusals of requests whose client is not known.
func (g *Guard) Usage() []Usage {
	g.counting.Lock()
	out := []Usage{{Refused: maps.Clone(g.refused)}}
	g.counting.Unlock()
	g.mu.RLock()
	defer g.mu.RUnlock()
	for _, c := range g.clients {
		c.mu.Lock()
		u := c.used
		u.Refused = maps.Clone(u.Refused)
		c.mu.Unlock()
		out = append(out, u)
	}
	slices.SortFunc(out, func(a, b Usage) int { return strings.Compare(a.Client, b.Client) })
	return out
}
