package placement

import (
	"context"
	"errors"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/failover"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/namespaces"
)

// far is a network between the router's core and the nodes; its zero value is the loopback
// of this machine.
type far struct {
	network *namespaces.Network
	names   []string
	end     func() error // of what the cluster needs
}

// separate gives every node a network namespace, if its packets are to be late.
func (c Config) separate(ctx context.Context, up *local.UpConfig, names []string, limits *quotas) (f far, err error) {
	if c.Delay == 0 {
		return f, nil
	}
	f.names = names
	if f.network, err = namespaces.New(ctx, names...); err != nil {
		return far{}, err
	}
	store, err := failover.Inhabit(ctx, f.network, up)
	if err != nil {
		return far{}, errors.Join(err, f.network.Close())
	}
	f.end = func() error { store.Close(); return nil }
	up.Exec = func(name string, argv []string) []string { return limits.exec(name, f.network.Command(name, argv)) }
	return f, nil
}

// disturb delays the packets of every node from now on, each way.
func (f far) disturb(ctx context.Context, delay time.Duration) error {
	for _, name := range f.names {
		if err := f.network.Disturb(ctx, name, namespaces.Wire{Delay: delay}); err != nil {
			return err
		}
	}
	return nil
}

// close ends what separate began. The processes must have ended.
func (f far) close() error {
	if f.network == nil {
		return nil
	}
	return errors.Join(f.end(), f.network.Close())
}
