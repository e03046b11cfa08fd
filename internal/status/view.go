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
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// View is the cluster as its registry has it.
type View struct {
	Nodes        []*hachiv1.NodeRecord
	Routers      []*hachiv1.RouterRecord
	Coordinators []*hachiv1.CoordinatorRecord // the leader first
	Placement    *moe.Placement               // nil until one is published
	// Revision is the registry's of the last write of the placement.
	Revision int64
}

// viewTimeout bounds the reading of a view: a healthy etcd answers in
// milliseconds.
const viewTimeout = 5 * time.Second

// ReadView reads the records of a cluster once.
func ReadView(ctx context.Context, endpoints []string, cluster string) (View, error) {
	ctx, cancel := context.WithTimeout(ctx, viewTimeout)
	defer cancel()
	client, err := etcdstore.Dial(endpoints, slog.New(slog.DiscardHandler))
	if err != nil {
		return View{}, err
	}
	defer client.Close()
	reg := registry.New(client, registry.Prefix(cluster), registry.Options{TTL: registry.DefaultTTL, Logger: slog.New(slog.DiscardHandler)})
	v, err := Read(ctx, reg)
	if errors.Is(err, context.DeadlineExceeded) {
		return View{}, fmt.Errorf("etcd at %s does not answer within %v: is it running there?", strings.Join(endpoints, ","), viewTimeout)
	}
	return v, err
}

// Read reads the records of a registry once.
func Read(ctx context.Context, reg *registry.Registry) (v View, err error) {
	if v.Nodes, err = reg.Nodes(ctx); err != nil {
		return v, err
	}
	if v.Routers, err = reg.Routers(ctx); err != nil {
		return v, err
	}
	if v.Coordinators, err = reg.Coordinators(ctx); err != nil {
		return v, err
	}
	v.Placement, v.Revision, err = reg.Placement(ctx)
	return v, err
}
