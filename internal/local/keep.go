package local

import (
	"errors"
	"fmt"
	"sync"
)

// keptPorts are ports that children keep over their restarts: while etcd is away,
// routers know a node by its old address only. The zero value has none. It is safe for
// concurrent use.
type keptPorts struct {
	mu      sync.Mutex // guards release
	release []func() error
}

// add takes what gives a port up.
func (k *keptPorts) add(release func() error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.release = append(k.release, release)
}

// close gives the ports up.
func (k *keptPorts) close() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []error
	for _, release := range k.release {
		all = append(all, release())
	}
	k.release = nil
	return errors.Join(all...)
}

// kept is an address on which a child listens at each of its starts. Where no port can
// be kept, each start chooses one.
func (c *Cluster) kept(name string) string {
	addr, err := c.ports.keep(c.cfg.host(name))
	if err != nil {
		quiet(c.cfg.Logger).Debug("a child keeps no port", "name", name, "err", fmt.Errorf("port: %w", err))
		return c.cfg.port(name)
	}
	return addr
}
