package registry_test

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"testing"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/logtest"
	"github.com/hachi-serve/hachi/moe"
)

// TestReadersPassOverDamage: what cannot be read hides nothing else, and is named until
// it is gone.
func TestReadersPassOverDamage(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store registry.Store) {
		var said logtest.Log
		r := registry.New(store, "/test/", registry.Options{TTL: testTTL, Logger: said.Logger()})
		t.Cleanup(r.Close)
		keys := []string{"/test/placement", "/test/nodes/n", "/test/routers/r", "/test/drains/n"}
		read := func() error {
			p, _, err := r.Placement(t.Context())
			nodes, nodesErr := r.Nodes(t.Context())
			routers, routersErr := r.Routers(t.Context())
			drains, drainsErr := r.Drains(t.Context())
			if p != nil || len(nodes)+len(routers)+len(drains) > 0 {
				t.Errorf("believed: %v, %v, %v, %v", p, nodes, routers, drains)
			}
			return errors.Join(err, nodesErr, routersErr, drainsErr)
		}
		for _, key := range keys {
			if err := store.Put(t.Context(), key, []byte("\xff damaged"), 0); err != nil {
				t.Fatal(err)
			}
		}
		if err := errors.Join(read(), read()); err != nil {
			t.Fatal(err)
		}
		if got := slices.Sorted(maps.Keys(r.Damaged())); !slices.Equal(got, slices.Sorted(slices.Values(keys))) {
			t.Errorf("damaged are %v", got)
		}
		if err := errors.Join(r.Clear(t.Context()), read()); err != nil || len(r.Damaged()) > 0 {
			t.Errorf("after their deletion %v, damaged are %v", err, r.Damaged())
		}
		for _, key := range keys {
			for _, message := range []string{"record is damaged", "record is no longer damaged"} {
				if n := said.Count(fmt.Sprintf("msg=%q key=%s ", message, key)); n != 1 {
					t.Errorf("%d lines: %s %s\n%s", n, message, key, said.String())
				}
			}
		}
	})
}

func TestDamagedRecordsAreReplaced(t *testing.T) {
	onEveryStore(t, func(t *testing.T, store registry.Store) {
		r := open(t, store)
		ctx := t.Context()
		for _, key := range []string{"target", "placement", "nodes/n", "drains/n"} {
			if err := store.Put(ctx, "/test/"+key, []byte("\xff damaged"), 0); err != nil {
				t.Fatal(err)
			}
		}
		if n := until(t, r.WatchNodes(ctx), "the nodes", func(registry.Nodes) bool { return true }); !records0(n) {
			t.Errorf("nodes %v", n.Records)
		}
		if d, err := r.Drains(ctx); err != nil || len(d) > 0 {
			t.Errorf("drains %v, %v", d, err)
		}
		leader, resign := lead(t, r, "one")
		defer resign()
		state, err := r.ReadState(ctx)
		if err != nil || state.TargetKnown || state.Placement != nil {
			t.Fatalf("state %+v, %v", state, err)
		}
		if err := r.WriteTarget(ctx, leader, &state, moe.Target{Epoch: 1}); err != nil {
			t.Error(err)
		}
		if err := r.WritePlacement(ctx, leader, &state, one(t, 1)); err != nil {
			t.Error(err)
		}
		if p, revision, err := r.Placement(ctx); err != nil || p.Epoch() != 1 || revision == 0 {
			t.Errorf("placement %v at revision %d, %v", p, revision, err)
		}
	})
}
