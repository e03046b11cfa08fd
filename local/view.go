package local

import (
	"context"
	"fmt"
	"time"

	"github.com/hachi-serve/hachi/cluster/registry"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// View is the cluster as etcd has it.
type View struct {
	Nodes     []*hachiv1.NodeRecord
	Routers   []*hachiv1.RouterRecord
	Placement *moe.Placement // nil until one is published
}

// viewTimeout bounds the reading of a view: a healthy etcd answers in
// milliseconds.
const viewTimeout = 5 * time.Second

// ReadView reads the records of a cluster once.
func ReadView(ctx context.Context, endpoints []string, cluster string) (View, error) {
	ctx, cancel := context.WithTimeout(ctx, viewTimeout)
	defer cancel()
	client, err := registry.Dial(endpoints, quiet(nil))
	if err != nil {
		return View{}, fmt.Errorf("etcd %v: %w", endpoints, err)
	}
	defer client.Close()
	reg := registry.New(client, Prefix(cluster), registry.Options{TTL: DefaultTTL, Logger: quiet(nil)})
	var v View
	if v.Nodes, err = reg.Nodes(ctx); err != nil {
		return View{}, fmt.Errorf("etcd %v: %w", endpoints, err)
	}
	if v.Routers, err = reg.Routers(ctx); err != nil {
		return View{}, fmt.Errorf("etcd %v: %w", endpoints, err)
	}
	if v.Placement, err = reg.Placement(ctx); err != nil {
		return View{}, fmt.Errorf("etcd %v: %w", endpoints, err)
	}
	return v, nil
}
