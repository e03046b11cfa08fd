package role

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/peer"
	"github.com/hachi-serve/hachi/internal/weights/source"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

// weightsOpener opens the weights of an expert node, which other nodes of the cluster may give.
type weightsOpener struct {
	cfg         ExpertNodeConfig
	conn        *clusterConn
	by          *security
	device      backend.Info // that computes
	fingerprint atomic.Value // moe.Fingerprint of the model, once it is known
}

// open opens the weights of an expert node.
func (p *weightsOpener) open(ctx context.Context) (weights, error) {
	place, asked := source.CutPeers(p.cfg.Dir)
	switch {
	case asked && place == "":
		return p.openFromNodes(ctx)
	case asked && p.cfg.InProcess == nil:
		return p.openWithHome(ctx)
	}
	return openModel(ctx, p.cfg.ModelConfig, p.device, p.cfg.Logger)
}

// config says whom to ask.
func (p *weightsOpener) config() peer.Config {
	return peer.Config{TLS: p.by.nodes(), Logger: p.cfg.Logger, Nodes: func(ctx context.Context) ([]peer.Node, error) {
		records, err := p.conn.registry.Nodes(ctx)
		if err != nil {
			return nil, err
		}
		fingerprint, _ := p.fingerprint.Load().(moe.Fingerprint)
		var out []peer.Node
		for _, r := range records {
			if r.GetNodeId() == p.cfg.ID || moe.Fingerprint(r.GetFingerprint()) != fingerprint {
				continue
			}
			n, err := nodeOf(r)
			if err == nil { // else another version of the program wrote it
				out = append(out, n)
			}
		}
		return out, nil
	}}
}

// openWithHome opens a model at its home. Experts come from nodes first, if the model has a
// manifest to check them by.
func (p *weightsOpener) openWithHome(ctx context.Context) (weights, error) {
	opened, err := p.cfg.Open(ctx, p.cfg.Logger)
	if err != nil {
		return weights{}, err
	}
	if opened.Manifest() == nil {
		p.cfg.Logger.Warn("model has no manifest, no other node is asked for experts", "model", opened.Dir())
		return newWeights(opened, p.cfg.ModelConfig, p.device, p.cfg.Logger)
	}
	home, err := peer.NewHome(opened.Checkpoint, opened.Source)
	if err != nil {
		return weights{}, errors.Join(err, opened.Close())
	}
	w, err := p.openFiles(ctx, peer.WithHome(p.config(), home))
	if err != nil {
		return weights{}, ofSource(err)
	}
	p.fingerprint.Store(w.fingerprint)
	return w, nil
}

// openFiles opens a model as files present it, and closes them if it fails.
func (p *weightsOpener) openFiles(ctx context.Context, files *peer.Files) (weights, error) {
	cache, err := p.cfg.Source.cache(p.cfg.Logger)
	if err != nil {
		return weights{}, errors.Join(&ConfigError{Err: err}, files.Close())
	}
	model := source.NewModel(files, cache)
	ckpt, err := checkpoint.OpenRemote(ctx, model)
	if err != nil {
		return weights{}, err
	}
	files.Opened()
	return newWeights(OpenedModel{Checkpoint: ckpt, Source: model}, p.cfg.ModelConfig, p.device, p.cfg.Logger)
}

// errNoManifest keeps a node from computing with what it cannot check.
var errNoManifest = errors.New("the nodes of the cluster have no manifest, by which weights are checked: make one by `hachi model inspect --verify MODEL` where they have the model from and start them again, or give peer://,PLACE")

// guideEvery is the time between looks for a node that describes the model.
const guideEvery = time.Second

// openFromNodes opens the model that the nodes of the cluster serve. It waits until there
// is one.
func (p *weightsOpener) openFromNodes(ctx context.Context) (weights, error) {
	waiting := false
	for {
		w, err := p.openThroughAny(ctx)
		switch {
		case err == nil || errors.As(err, new(*ConfigError)):
			return w, err
		case ctx.Err() != nil:
			return w, ctx.Err()
		}
		if !waiting {
			waiting = true
			p.cfg.Logger.Warn("no node describes the model, waiting for one", "err", err)
		}
		select {
		case <-time.After(guideEvery):
		case <-ctx.Done():
			return weights{}, ctx.Err()
		}
	}
}

// openThroughAny asks node after node for the description of the model. What a node says
// is right if it makes the fingerprint that the cluster serves.
func (p *weightsOpener) openThroughAny(ctx context.Context) (weights, error) {
	want, guides, err := p.guides(ctx)
	if err != nil {
		return weights{}, err
	}
	p.fingerprint.Store(want)
	var errs []error
	others := 0
	for _, guide := range guides {
		w, err := p.openFiles(ctx, peer.Through(p.config(), guide))
		switch {
		case err != nil:
		case w.fingerprint == want && w.ckpt.Manifest() != nil:
			return w, nil
		case w.fingerprint == want:
			return weights{}, errors.Join(&ConfigError{Err: errNoManifest}, w.ckpt.Close())
		default:
			others++
			err = errors.Join(fmt.Errorf("node %s describes a model of fingerprint %s, and the cluster serves %s: give this node the --quantize, the numerics and the --backend of the others", guide.ID, w.fingerprint, want), w.ckpt.Close())
		}
		if source.KindOf(err) == source.Refused {
			return weights{}, &ConfigError{Err: err}
		}
		errs = append(errs, err)
	}
	switch err := checkpoint.FirstFew(errs); {
	case err == nil:
		return weights{}, errors.New("no node serves a model")
	case others == len(guides): // else the one that is right may answer later
		return weights{}, &ConfigError{Err: err}
	default:
		return weights{}, err
	}
}

// guides are the nodes that serve the model of the cluster, in the order of their names,
// and its fingerprint.
func (p *weightsOpener) guides(ctx context.Context) (moe.Fingerprint, []peer.Node, error) {
	records, err := p.conn.registry.Nodes(ctx)
	if err != nil {
		return "", nil, err
	}
	placement, _, err := p.conn.registry.Placement(ctx)
	if err != nil {
		return "", nil, err
	}
	records = slices.DeleteFunc(records, func(r *hachiv1.NodeRecord) bool { return r.GetNodeId() == p.cfg.ID })
	slices.SortFunc(records, func(a, b *hachiv1.NodeRecord) int { return cmp.Compare(a.GetNodeId(), b.GetNodeId()) })
	var want moe.Fingerprint
	switch {
	case placement != nil:
		want = placement.Fingerprint()
	case len(records) > 0:
		want = moe.Fingerprint(records[0].GetFingerprint())
	}
	var out []peer.Node
	for _, r := range records {
		if n, err := nodeOf(r); err == nil && moe.Fingerprint(r.GetFingerprint()) == want {
			out = append(out, n)
		}
	}
	return want, out, nil
}

func nodeOf(r *hachiv1.NodeRecord) (peer.Node, error) {
	resident, err := moepb.ShardFromProto(r.GetResident())
	return peer.Node{
		ID: moe.NodeID(r.GetNodeId()), Addr: r.GetAddr(), Started: r.GetStartedUnixNano(), Resident: resident, All: r.GetGivesAllWeights(),
	}, err
}

// given are the files that a node gives to others.
type given struct {
	*checkpoint.Shelf
	ckpt   *checkpoint.Checkpoint
	loader *expertLoader
}

// Read implements peer.Holder.
func (g given) Read(ctx context.Context, name string, dst []byte, at int64) error {
	return g.Shelf.Read(name, dst, at, func(p checkpoint.Piece, dst []byte) error {
		if p.Expert != nil && g.loader.copy(*p.Expert, p.Tensor, dst, p.At) {
			return nil
		}
		return g.ckpt.ReadHere(ctx, p, dst)
	})
}

// weightsService gives the weights of a node to others.
func (c ExpertNodeConfig) weightsService(w weights, loader *expertLoader, busy func() bool) (*peer.Server, error) {
	shelf, err := w.ckpt.Shelf()
	if err != nil {
		return nil, err
	}
	return peer.NewServer(peer.ServerConfig{Holder: given{shelf, w.ckpt, loader}, Rate: int64(c.WeightsBandwidth), Busy: busy}), nil
}
