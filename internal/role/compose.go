package role

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/cluster/etcdstore"
	"github.com/hachi-serve/hachi/internal/cluster/gossip"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/moe"
)

// weights are an opened checkpoint and how it is computed.
type weights struct {
	ckpt        *checkpoint.Checkpoint
	cfg         model.Config
	numerics    model.Numerics
	fingerprint moe.Fingerprint
	// quantize is the type experts get when they are loaded; tensor.Invalid
	// keeps theirs.
	quantize tensor.DType
}

// openModel opens a checkpoint, to be computed by a numerics family. What is
// wrong with it will still be wrong after a restart.
func openModel(m ModelConfig, family string) (weights, error) {
	ckpt, err := checkpoint.Open(m.Dir)
	if err != nil {
		return weights{}, &ConfigError{Err: err}
	}
	w := weights{ckpt: ckpt, cfg: ckpt.Config()}
	if w.numerics, err = model.DefaultNumerics(w.cfg.DType).With(m.Numerics); err != nil {
		return weights{}, errors.Join(&ConfigError{Err: err}, ckpt.Close())
	}
	format := w.cfg.DType
	if to, err := tensor.Target(m.Quantize); err == nil && !format.Quantized() {
		w.quantize, format = to, to
	}
	w.fingerprint = model.Fingerprint(ckpt.Digest(), format, w.numerics, family)
	return w, nil
}

// expertBytes is the memory one expert takes.
func (w weights) expertBytes() int64 {
	if w.quantize == tensor.Invalid {
		return w.ckpt.ExpertBytes()
	}
	return int64(2*w.quantize.Bytes(w.cfg.FFN, w.cfg.Hidden) + w.quantize.Bytes(w.cfg.Hidden, w.cfg.FFN))
}

// openDevice opens the backend of the configuration. HACHI_KERNEL names the
// kernels of a processor, for tests and for doubts about it; all of one family
// give the same bits.
func (m ModelConfig) openDevice(spin time.Duration) (backend.Device, error) {
	b, err := backend.Find(m.Backends, m.Backend)
	if err != nil {
		return nil, &ConfigError{Err: fmt.Errorf("backend %q: %w", m.Backend, err)}
	}
	kernel := os.Getenv("HACHI_KERNEL")
	device, err := b.Open(backend.Options{Threads: m.workers(), Kernel: kernel, Spin: spin})
	if err != nil {
		return nil, &ConfigError{Err: fmt.Errorf("backend %s, HACHI_KERNEL %q: %w", b.Name, kernel, err)}
	}
	return device, nil
}

// maxRows bounds the rows of one step, and with it every message.
const maxRows = 512

// rowBytes is the size of one row on the wire.
func (w weights) rowBytes() int { return w.cfg.Hidden * w.numerics.Wire.Size() }

// maxPayload is the largest payload either way: every row of a step with each
// of its experts.
func (w weights) maxPayload() int { return maxRows * w.cfg.TopK * w.rowBytes() }

// neighbours are a process's ties to its cluster. A role that shares its
// process with the others has a registry only.
type neighbours struct {
	client   *etcdstore.Store
	registry *registry.Registry
	gossip   *gossip.Member
}

// gossipAddr is the address for the role's record.
func (n *neighbours) gossipAddr() string {
	if n.gossip == nil {
		return ""
	}
	return n.gossip.Addr()
}

// meet connects to etcd and joins the gossip.
func meet(c ClusterConfig, role string, changed func(gossip.Change)) (*neighbours, error) {
	options := registry.Options{TTL: c.TTL, Logger: c.Logger}
	if p := c.InProcess; p != nil {
		return &neighbours{registry: registry.New(p.Store, registry.Prefix(c.Cluster), options)}, nil
	}
	client, err := etcdstore.Dial(c.Etcd, c.Logger)
	if err != nil {
		return nil, err
	}
	n := &neighbours{client: client}
	n.registry = registry.New(client, registry.Prefix(c.Cluster), options)
	n.gossip, err = gossip.Start(gossip.Config{
		Name: c.ID, Role: role, Label: cmp.Or(c.GossipLabel, c.Cluster), Bind: c.Gossip, Advertise: c.AdvertiseGossip,
		Seeds: n.seeds, OnChange: changed, Logger: c.Logger,
	})
	if err != nil {
		client.Close()
		return nil, err
	}
	return n, nil
}

// seedsTimeout bounds one read of the gossip addresses: a healthy etcd answers in
// milliseconds.
const seedsTimeout = 5 * time.Second

// seeds are the gossip addresses of every registered process.
func (n *neighbours) seeds(ctx context.Context) []string {
	ctx, cancel := context.WithTimeout(ctx, seedsTimeout)
	defer cancel()
	var out []string
	nodes, err := n.registry.Nodes(ctx)
	if err != nil {
		return nil
	}
	for _, r := range nodes {
		out = append(out, r.GetGossipAddr())
	}
	routers, err := n.registry.Routers(ctx)
	if err != nil {
		return nil
	}
	for _, r := range routers {
		out = append(out, r.GetGossipAddr())
	}
	coordinators, err := n.registry.Coordinators(ctx)
	if err != nil {
		return nil
	}
	for _, r := range coordinators {
		out = append(out, r.GetGossipAddr())
	}
	return slices.DeleteFunc(out, func(addr string) bool { return addr == "" })
}

// part says goodbye. etcd's client goes last.
func (n *neighbours) part(logger *slog.Logger) {
	if n.client == nil {
		return
	}
	if err := n.gossip.Leave(); err != nil {
		logger.Debug("gossip leave", "err", err)
	}
	n.client.Close()
}

// listen opens a listener and finds the address others should use.
func listen(addr, advertise string) (net.Listener, string, error) {
	l, err := net.Listen("tcp", addr)
	if err != nil {
		return nil, "", fmt.Errorf("listen on %s: %w", addr, err)
	}
	if advertise == "" {
		advertise = l.Addr().String()
	}
	return l, advertise, nil
}
