package local

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/moepb"
	"github.com/hachi-serve/hachi/moe"
)

// ready asks the router once. Whom its certificate names does not matter: the answer
// decides about nothing but when to say that the cluster serves.
func ready(ctx context.Context, url string) bool {
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	return answers(ctx, &http.Client{Transport: transport}, url+"/readyz", time.Second)
}

// reportProgress tells Events.Progress how far the nodes are with their
// targets, until ctx ends.
func (c *Cluster) reportProgress(ctx context.Context) {
	where, err := c.Where()
	if err != nil {
		return
	}
	client, err := where.Store(quiet(c.cfg.Logger))
	if err != nil {
		return
	}
	defer client.Close()
	reg := where.Registry(client, registry.Options{TTL: c.cfg.TTL, Logger: quiet(c.cfg.Logger)})
	defer reg.Close()
	nodes, targets := reg.WatchNodes(ctx), reg.WatchTarget(ctx)
	resident, wanted := map[moe.NodeID]moe.Shard{}, moe.Target{}
	for {
		select {
		case <-ctx.Done():
			return
		case records, ok := <-nodes:
			if !ok {
				return
			}
			clear(resident)
			for _, r := range records.Records {
				shard, err := moepb.ShardFromProto(r.GetResident())
				if err == nil {
					resident[moe.NodeID(r.GetNodeId())] = shard
				}
			}
		case t, ok := <-targets:
			if !ok {
				return
			}
			wanted = t
		}
		have, want := 0, 0
		for node, shard := range wanted.Shards {
			want += len(shard)
			have += len(shard) - len(shard.Minus(resident[node]))
		}
		c.cfg.Events.Progress(len(resident), have, want)
	}
}

// lastWords collects the ends of the children's logs, for a cluster that did
// not become ready.
func (c *Cluster) lastWords() error {
	var all []error
	for _, child := range c.children {
		if tail := output(child.cmd.log, 0); tail != "" {
			all = append(all, fmt.Errorf("%s: %s", child.Name(), tail[strings.LastIndexByte(tail, '\n')+1:]))
		}
	}
	return errors.Join(all...)
}

// clearRecords removes what an earlier run on the same data directory left.
func (c *Cluster) clearRecords(ctx context.Context) error {
	where, err := c.Where()
	if err != nil {
		return err
	}
	client, err := where.Store(quiet(c.cfg.Logger))
	if err != nil {
		return err
	}
	defer client.Close()
	reg := where.Registry(client, registry.Options{TTL: registry.DefaultTTL, Logger: quiet(c.cfg.Logger)})
	if err := reg.Clear(ctx); err != nil {
		return fmt.Errorf("clear the records of an earlier run: %w", err)
	}
	return nil
}

// quiet is logger, or one that discards when it is nil.
func quiet(logger *slog.Logger) *slog.Logger {
	if logger == nil {
		return slog.New(slog.DiscardHandler)
	}
	return logger
}
