package etcdstore

import (
	"context"
	"time"

	"go.etcd.io/etcd/api/v3/etcdserverpb"
	clientv3 "go.etcd.io/etcd/client/v3"
)

// probeEvery is how often a watch asks whether etcd is still the same.
const probeEvery = 2 * time.Second

// Watch implements registry.Store.
func (s *Store) Watch(ctx context.Context, prefix string, changed func(map[string][]byte)) bool {
	resp, err := s.get(ctx, prefix, clientv3.WithPrefix())
	if err != nil {
		return false
	}
	values := map[string][]byte{}
	for _, kv := range resp.Kvs {
		values[string(kv.Key)] = kv.Value
	}
	changed(values)
	// A member without a leader ends the watch instead of leaving it silent.
	watchCtx, cancel := context.WithCancel(clientv3.WithRequireLeader(ctx))
	defer cancel()
	events := s.cli.Watch(watchCtx, prefix, clientv3.WithPrefix(), clientv3.WithRev(resp.Header.Revision+1))
	probe := time.NewTicker(probeEvery)
	defer probe.Stop()
	newest := resp.Header
	for {
		select {
		case event, ok := <-events:
			if !ok || event.Err() != nil {
				return true
			}
			if event.Header.Revision > newest.Revision {
				newest = event.Header
			}
			if len(event.Events) > 0 {
				apply(values, event.Events)
				changed(values)
			}
		case <-probe.C:
			if newest = s.probe(ctx, prefix, newest); newest == nil {
				return true
			}
		}
	}
}

func apply(values map[string][]byte, events []*clientv3.Event) {
	for _, e := range events {
		if e.Type == clientv3.EventTypeDelete {
			delete(values, string(e.Kv.Key))
		} else {
			values[string(e.Kv.Key)] = e.Kv.Value
		}
	}
}

// probe asks etcd whether it is still the one that was watched. A client
// resumes a watch by itself at the revision it has reached, and an etcd that
// came back empty would be silent until it has caught up with that revision.
func (s *Store) probe(ctx context.Context, key string, newest *etcdserverpb.ResponseHeader) *etcdserverpb.ResponseHeader {
	resp, err := s.get(ctx, key, clientv3.WithCountOnly())
	if err != nil {
		return nil
	}
	now := resp.Header
	if now.ClusterId != newest.ClusterId || now.RaftTerm < newest.RaftTerm || now.Revision < newest.Revision {
		return nil
	}
	return now
}

func (s *Store) get(ctx context.Context, key string, opts ...clientv3.OpOption) (resp *clientv3.GetResponse, err error) {
	ctx, cancel := context.WithTimeout(ctx, callTimeout)
	defer cancel()
	err = retry(ctx, s, func(ctx context.Context) (err error) {
		resp, err = s.cli.Get(ctx, key, opts...)
		return err
	})
	return resp, err
}
