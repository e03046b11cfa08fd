package role

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"sync"

	"github.com/hachi-serve/hachi/internal/episode"
	"github.com/hachi-serve/hachi/internal/gateway/balance"
	"github.com/hachi-serve/hachi/internal/gateway/remote"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// clusterRouters are the routers of a cluster, as a gateway believes their records. What
// the cluster serves is said by its placement, which a coordinator has signed; how texts
// become tokens and how long a sequence may be, by the gateway's own directory. A router
// that says otherwise is passed over.
type clusterRouters struct {
	pool *remote.Pool
	// own has the digest of the gateway's own texts, and the longest sequence of its model.
	own    balance.Model
	dir    string
	passed *episode.Log

	mu sync.Mutex // guards the fields below
	// placed is the fingerprint of the placement; "" is not known yet.
	placed string
	// served is what was elected; the zero Model is nothing yet.
	served balance.Model
}

func newClusterRouters(pool *remote.Pool, own balance.Model, dir string, logger *slog.Logger) *clusterRouters {
	return &clusterRouters{
		pool: pool, own: own, dir: dir,
		passed: episode.New(logger, slog.LevelWarn, "a router is passed over", "the router is passed over no longer", "router", episode.Flapping),
	}
}

// place notes a placement of the cluster.
func (c *clusterRouters) place(p *moe.Placement) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.placed = string(p.Fingerprint())
}

// follow notes placements until ctx ends. The function that it returns joins it.
func (c *clusterRouters) follow(ctx context.Context, placements <-chan *moe.Placement) (join func()) {
	var following sync.WaitGroup
	following.Go(func() {
		for {
			select {
			case p, ok := <-placements:
				if !ok {
					return
				}
				c.place(p)
			case <-ctx.Done():
				return
			}
		}
	})
	return following.Wait
}

// elect returns what the routers of the placement's model serve; ok is false while none of
// them takes requests.
func (c *clusterRouters) elect() (m balance.Model, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.placed == "" {
		return m, false
	}
	m, ok = c.pool.Elect(c.placed, c.own.Texts)
	c.served = m
	return m, ok
}

// update takes the records of routers. A router without a placement takes no requests.
func (c *clusterRouters) update(records []*hachiv1.RouterRecord) {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []balance.Router
	for _, r := range records {
		strange := c.strange(r)
		if err := cmp.Or(strange, c.unfit(r)); err != nil {
			c.passed.FailedFor(r.GetRouterId(), err)
		} else {
			c.passed.Worked(r.GetRouterId())
		}
		all = append(all, balance.Router{
			ID: r.GetRouterId(), Addr: r.GetGrpcAddr(), Fingerprint: r.GetFingerprint(), Context: int(r.GetContext()), Texts: r.GetTextDigest(),
			Load: int(r.GetLoad()), Draining: r.GetDraining() || r.GetAckedEpoch() == 0, Strange: strange != nil,
		})
	}
	c.pool.Update(all)
}

// strange is what no router of the gateway's model says of itself; nil is nothing.
func (c *clusterRouters) strange(r *hachiv1.RouterRecord) error {
	if n := int(r.GetContext()); n < 1 || n > c.own.Context {
		return fmt.Errorf("it takes sequences of %d tokens, expected 1 to %d, as config.json in %s says", n, c.own.Context, c.dir)
	}
	return nil
}

// unfit is why a router that may be as it says gets no request of this gateway.
func (c *clusterRouters) unfit(r *hachiv1.RouterRecord) error {
	switch n := int(r.GetContext()); {
	case r.GetTextDigest() != c.own.Texts:
		return errors.New("its tokenizer or chat template differs")
	case n < c.served.Context && r.GetFingerprint() == c.served.Fingerprint:
		return fmt.Errorf("it takes sequences of %d tokens, and this gateway accepts %d", n, c.served.Context)
	}
	return nil
}

// others is why the gateway can serve no router that takes requests; nil if it can, or
// if there are none. A restart serves another model, but not other texts.
func (c *clusterRouters) others() error {
	var names []string
	for _, r := range c.pool.Serving() {
		if r.Texts == c.own.Texts {
			return nil
		}
		names = append(names, r.ID)
	}
	if len(names) == 0 {
		return nil
	}
	return &ConfigError{Err: &FieldError{Field: "model.dir", Err: fmt.Errorf("the tokenizer or the chat template in %s is not that of %s, "+
		"and no other router takes requests: copy the tokenizer and template files of the model that the routers serve there, or give their directory",
		c.dir, strings.Join(names, ", "))}}
}

// errOtherModel means that the cluster serves another model than the gateway.
var errOtherModel = errors.New("the cluster serves another model, or another format of it, than this gateway: a restart serves that one")

// othersOf is why a gateway that serves a model can serve none of the routers that take
// requests; nil if it can, or if there are none. A router that still says it serves the
// model does not keep the gateway there when the placement is for another.
func (c *clusterRouters) othersOf(m balance.Model) error {
	c.mu.Lock()
	placed := c.placed
	c.mu.Unlock()
	if placed != m.Fingerprint && c.pool.Ready(balance.Model{Fingerprint: placed, Texts: m.Texts}) {
		return errOtherModel
	}
	if c.pool.Ready(m) || len(c.pool.Serving()) == 0 {
		return nil
	}
	return cmp.Or(c.others(), errOtherModel)
}
