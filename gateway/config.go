package gateway

import (
	"context"
	"errors"
	"fmt"

	"github.com/hachi-serve/hachi/internal/api/server"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// Engine draws answers at routers: remote.Engine.
type Engine interface {
	// Stop ends every answer and takes no new ones.
	Stop()
}

// Routers is what the gateway knows of routers.
type Routers interface {
	// Update takes the records of routers as they are now.
	Update(records []*hachiv1.RouterRecord)
	// Ready reports whether a router takes requests for the gateway's model.
	Ready() bool
	// Others is why this gateway can serve none of the routers that take requests; nil
	// if it can, or if there are none.
	Others() error
}

// Session keeps the gateway's record: registry.GatewaySession.
type Session interface {
	Close(ctx context.Context) error
}

// Config joins the pieces of a gateway. Run owns the listeners and the session.
type Config struct {
	server.Config
	Engine  Engine
	Routers Routers
	Session Session
	// Records are those of all routers, at every change.
	Records <-chan []*hachiv1.RouterRecord
}

// validate names every piece that is missing.
func (c Config) validate() error {
	var m server.Missing
	m.Need(c.Engine != nil, "Engine")
	m.Need(c.Routers != nil, "Routers")
	m.Need(c.Session != nil, "Session")
	c.Check(&m)
	if len(m) == 0 {
		return nil
	}
	return fmt.Errorf("gateway: %w", errors.Join(m...))
}

// close gives the listeners and the session up before anything serves on them.
func (c Config) close(ctx context.Context) error {
	err := c.Config.Close()
	if c.Session != nil {
		err = errors.Join(err, c.Session.Close(ctx))
	}
	return err
}
