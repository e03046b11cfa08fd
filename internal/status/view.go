package status

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/etcdstore"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/cluster/sealed"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// View is the cluster as its registry has it.
type View struct {
	Nodes        []*hachiv1.NodeRecord
	Routers      []*hachiv1.RouterRecord
	Loads        []*hachiv1.RouterLoad // what the routers have sent
	Gateways     []*hachiv1.GatewayRecord
	Coordinators []*hachiv1.CoordinatorRecord // the leader first
	Placement    *moe.Placement               // nil until one is published
	// NodeHolders, RouterHolders and GatewayHolders are the processes by name. A
	// process that claims no name is not among them.
	NodeHolders, RouterHolders, GatewayHolders map[string]registry.Holder
	// Damaged are the keys of records that were passed over, with the reason.
	Damaged map[string]string
	// Revision is the registry's of the last write of the placement.
	Revision int64

	by *identity.Source // asks coordinators; nil is plaintext
}

// Served is the smallest number of replicas of an expert at the addresses of the
// processes that are registered now; 0 without a placement.
func (v View) Served() int {
	if v.Placement == nil {
		return 0
	}
	addresses := map[moe.NodeID]string{}
	for _, n := range v.Nodes {
		addresses[moe.NodeID(n.GetNodeId())] = n.GetAddr()
	}
	least := len(v.Nodes)
	for _, id := range v.Placement.Topology().All() {
		n := 0
		for _, r := range v.Placement.Replicas(id) {
			if addresses[r.Node] == r.Addr {
				n++
			}
		}
		least = min(least, n)
	}
	return least
}

// Where says where the records of a cluster are, and with which certificates they
// are read; nil is plaintext.
type Where struct {
	Etcd    []string // endpoints
	Cluster string   // its name in etcd; Clusters needs none
	By      *identity.Source
	EtcdBy  *identity.Source
}

// Store opens the store of the records.
func (w Where) Store(logger *slog.Logger) (*etcdstore.Store, error) {
	if w.EtcdBy == nil {
		return etcdstore.Dial(w.Etcd, nil, logger)
	}
	return etcdstore.Dial(w.Etcd, w.EtcdBy.HostCredentials(), logger)
}

// Registry are the records of the cluster in an open store.
func (w Where) Registry(store *etcdstore.Store, options registry.Options) *registry.Registry {
	return registry.New(sealed.New(store, w.By), registry.Prefix(w.Cluster), options)
}

// viewTimeout bounds the reading of a view: a healthy etcd answers in
// milliseconds.
const viewTimeout = 5 * time.Second

// ReadView reads the records of a cluster once.
func ReadView(ctx context.Context, w Where) (v View, err error) {
	err = w.ask(ctx, func(ctx context.Context, store *etcdstore.Store) error {
		v, err = Read(ctx, w.Registry(store, registry.Options{TTL: registry.DefaultTTL}))
		v.by = w.By
		return err
	})
	if err != nil {
		return View{}, err
	}
	return v, nil
}

// Clusters lists the clusters of an etcd of which a process runs.
func Clusters(ctx context.Context, w Where) (names []string, err error) {
	err = w.ask(ctx, func(ctx context.Context, store *etcdstore.Store) error {
		names, err = registry.Clusters(ctx, store)
		return err
	})
	return names, err
}

// ask calls question with a connection to an etcd, which must answer soon.
func (w Where) ask(ctx context.Context, question func(context.Context, *etcdstore.Store) error) error {
	ctx, cancel := context.WithTimeout(ctx, viewTimeout)
	defer cancel()
	store, err := w.Store(nil)
	if err != nil {
		return err
	}
	defer store.Close()
	err = question(ctx, store)
	if why := store.Explain(err); why != err {
		return why
	}
	if errors.Is(err, context.DeadlineExceeded) {
		return fmt.Errorf("etcd at %s does not answer within %v: is it running there?", strings.Join(w.Etcd, ","), viewTimeout)
	}
	return err
}

// Read reads the records of a registry once.
func Read(ctx context.Context, reg *registry.Registry) (v View, err error) {
	if v.Nodes, err = reg.Nodes(ctx); err != nil {
		return v, err
	}
	if v.Routers, err = reg.Routers(ctx); err != nil {
		return v, err
	}
	if v.Gateways, err = reg.Gateways(ctx); err != nil {
		return v, err
	}
	if v.Loads, err = reg.Loads(ctx); err != nil {
		return v, err
	}
	if v.Coordinators, err = reg.Coordinators(ctx); err != nil {
		return v, err
	}
	if v.NodeHolders, err = reg.Holders(ctx, registry.ExpertNodeRole); err != nil {
		return v, err
	}
	if v.RouterHolders, err = reg.Holders(ctx, registry.RouterRole); err != nil {
		return v, err
	}
	if v.GatewayHolders, err = reg.Holders(ctx, registry.GatewayRole); err != nil {
		return v, err
	}
	v.Placement, v.Revision, err = reg.Placement(ctx)
	v.Damaged = reg.Damaged()
	return v, err
}
