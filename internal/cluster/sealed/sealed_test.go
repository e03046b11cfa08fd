package sealed

import (
	"bytes"
	"context"
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"google.golang.org/protobuf/proto"

	"github.com/hachi-serve/hachi/internal/cluster/memory"
	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/eventually"
	"github.com/hachi-serve/hachi/internal/identity"
	"github.com/hachi-serve/hachi/internal/leaktest"
	"github.com/hachi-serve/hachi/internal/logtest"
	"github.com/hachi-serve/hachi/moe"
	hachiv1 "github.com/hachi-serve/hachi/proto/hachi/v1"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

const cluster = "c"

// issuer makes the certificates of a cluster.
type issuer struct {
	t         testing.TB
	authority *identity.Authority
}

func newIssuer(t testing.TB) issuer {
	t.Helper()
	a, err := identity.NewAuthority(cluster, time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return issuer{t, a}
}

// source is the certificate of a process.
func (i issuer) source(role identity.Role, name string) *identity.Source {
	i.t.Helper()
	ca, err := i.authority.Pair()
	if err != nil {
		i.t.Fatal(err)
	}
	pair, err := i.authority.Issue(identity.Request{ID: identity.ID{Cluster: cluster, Role: role, Name: name}, From: time.Now(), Life: time.Minute})
	if err != nil {
		i.t.Fatal(err)
	}
	dir := i.t.TempDir()
	if err := identity.Write(dir, ca.Certificate, pair); err != nil {
		i.t.Fatal(err)
	}
	s, err := identity.Open(dir, nil)
	if err != nil {
		i.t.Fatal(err)
	}
	return s
}

// TestOnlyOwnersWriteKeys walks writers and keys.
func TestOnlyOwnersWriteKeys(t *testing.T) {
	ours := newIssuer(t)
	reader := ours.source(identity.Router, "reader")
	expert, router, coordinator := ours.source(identity.Expert, "n"), ours.source(identity.Router, "n"), ours.source(identity.Coordinator, "n")
	gateway := ours.source(identity.Gateway, "n")
	for _, test := range []struct {
		key  string
		by   *identity.Source
		want bool
	}{
		{"nodes/n", expert, true}, {"nodes/m", expert, false}, {"nodes/n", router, false}, {"nodes/n", coordinator, false}, {"nodes/", expert, false},
		{"loads/n", router, true}, {"loads/m", router, false}, {"loads/n", expert, false}, {"routers/n", router, true}, {"routers/m", router, false}, {"routers/n", expert, false},
		{"target", coordinator, true}, {"target", router, false}, {"placement", coordinator, true}, {"placement", expert, false}, {"placement", router, false},
		{"drains/n", coordinator, true}, {"drains/n", router, false}, {"drains/n", ours.source(identity.Operator, "o"), false},
		{"names/expertnode/n", expert, true}, {"names/expertnode/m", expert, false}, {"names/router/n", router, true}, {"names/router/n", expert, false},
		{"gateways/n", gateway, true}, {"gateways/m", gateway, false}, {"gateways/n", router, false}, {"routers/n", gateway, false}, {"placement", gateway, false},
		{"names/gateway/n", gateway, true}, {"names/gateway/n", router, false}, {"names/router/n", gateway, false},
		{"names/coordinator/n", coordinator, true}, {"other", coordinator, false},
		{"nodes/n", newIssuer(t).source(identity.Expert, "n"), false},
	} {
		inside := memory.New()
		key := registry.Prefix(cluster) + test.key
		if err := New(inside, test.by).Put(t.Context(), key, []byte("record"), 0); err != nil {
			t.Fatal(err)
		}
		entries, err := New(inside, reader).Get(t.Context(), key)
		if err != nil || len(entries) != 1 || entries[0].Modified == 0 {
			t.Fatalf("%v, %v", entries, err)
		}
		if got := bytes.Equal(entries[0].Value, []byte("record")); got != test.want {
			t.Errorf("%s by %v: believed %t, %q", test.key, test.by.ID(), got, entries[0].Value)
		}
	}
}

// TestASealHoldsForItsKeyOnly: a record that is copied, changed or stripped of its
// seal is refused.
func TestASealHoldsForItsKeyOnly(t *testing.T) {
	ours := newIssuer(t)
	by := ours.source(identity.Coordinator, "n")
	target, placement := registry.Prefix(cluster)+"target", registry.Prefix(cluster)+"placement"
	raw, err := closeSeal(by, target, []byte("record"))
	if err != nil {
		t.Fatal(err)
	}
	if got, _, err := openSeal(by, target, raw); err != nil || string(got) != "record" {
		t.Fatalf("%q, %v", got, err)
	}
	for name, bad := range map[string][]byte{
		"bare": []byte("record"), "empty": nil, "cut": raw[:len(raw)-1], "longer": append(bytes.Clone(raw), 0),
		"changed": bytes.Replace(raw, []byte("record"), []byte("recorD"), 1),
	} {
		if got, _, err := openSeal(by, target, bad); err == nil {
			t.Errorf("%s: %q", name, got)
		}
	}
	if got, _, err := openSeal(by, placement, raw); err == nil {
		t.Errorf("at another key: %q", got)
	}
}

// TestOnlyCandidatesShareASeal, whatever the name of the cluster is.
func TestOnlyCandidatesShareASeal(t *testing.T) {
	for key, want := range map[string]string{
		"/hachi/c/target": "/hachi/c/target", "/hachi/c/nodes/election": "/hachi/c/nodes/election",
		"/hachi/c/election/694d": "/hachi/c/election", "/hachi/election/election/694d": "/hachi/election/election",
		"/hachi/election/target": "/hachi/election/target", "/hachi/election/nodes/n": "/hachi/election/nodes/n",
	} {
		if got := binding(key); got != want {
			t.Errorf("%s is signed for %s, expected %s", key, got, want)
		}
	}
}

// TestASealOfAnotherAuthorityIsStale: the writer signs the record again, with the same
// content, before the trust in the old authority ends.
func TestASealOfAnotherAuthorityIsStale(t *testing.T) {
	before, after := newIssuer(t), newIssuer(t)
	var trusted []byte
	for _, i := range []issuer{before, after} {
		ca, err := i.authority.Pair()
		if err != nil {
			t.Fatal(err)
		}
		trusted = append(trusted, ca.Certificate...)
	}
	dir := t.TempDir()
	issue := func(i issuer) {
		t.Helper()
		pair, err := i.authority.Issue(identity.Request{ID: identity.ID{Cluster: cluster, Role: identity.Expert, Name: "n"}, From: time.Now(), Life: time.Minute})
		if err == nil {
			err = identity.Write(dir, trusted, pair)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	issue(before)
	by, err := identity.Open(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	following, stop := context.WithCancel(t.Context())
	var follow sync.WaitGroup
	follow.Go(func() { by.Follow(following) })
	defer follow.Wait()
	defer stop()
	inside, reissued := memory.New(), by.Reissued()
	store := New(inside, by)
	r := registry.New(store, registry.Prefix(cluster), registry.Options{TTL: 3 * time.Second / 10})
	defer r.Close()
	name, err := r.Claim(t.Context(), registry.ExpertNodeRole, "n", registry.Holder{Run: "one"}, func(registry.Holder) (bool, bool) { return false, true })
	if err != nil {
		t.Fatal(err)
	}
	session := r.RegisterNode(t.Context(), &hachiv1.NodeRecord{NodeId: "n", Addr: "a", ExpertsPerLayer: []uint32{1}})
	sound := func(key string) func() bool {
		return func() bool {
			entries, err := store.Get(t.Context(), registry.Prefix(cluster)+key)
			return err == nil && len(entries) == 1 && !entries[0].Stale
		}
	}
	keys := []string{"nodes/n", "names/expertnode/n"}
	for _, key := range keys {
		eventually.True(t, key+" is signed", sound(key))
	}
	issue(after)
	<-reissued
	for _, key := range keys {
		eventually.True(t, key+" is signed again", sound(key))
	}
	if err := errors.Join(session.Close(context.Background()), name.Release(context.Background())); err != nil {
		t.Error(err)
	}
}

// FuzzSeals: bytes of any content are a record or an error.
func FuzzSeals(f *testing.F) {
	ours := newIssuer(f)
	by := ours.source(identity.Expert, "n")
	key := registry.Prefix(cluster) + "nodes/n"
	raw, err := closeSeal(by, key, []byte("record"))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(key, raw)
	f.Add(key, raw[:40])
	f.Add("/hachi/c/election/1", []byte(registry.SealedMark))
	f.Fuzz(func(t *testing.T, key string, raw []byte) {
		if got, _, err := openSeal(by, key, raw); err == nil && string(got) != "record" {
			t.Errorf("%q is believed", got)
		}
	})
}

// TestARogueNodeIsNoNode: somebody who can write into the store, but has no
// certificate of the node, is passed over with one line in the log. The coordinator
// sees no such node, and a placement of the rogue is adopted by no router.
func TestARogueNodeIsNoNode(t *testing.T) {
	ours := newIssuer(t)
	inside := memory.New()
	var log logtest.Log
	reg := registry.New(New(inside, ours.source(identity.Coordinator, "c-0")), registry.Prefix(cluster), registry.Options{TTL: time.Minute, Logger: log.Logger()})
	defer reg.Close()
	honest := registry.New(New(inside, ours.source(identity.Expert, "good")), registry.Prefix(cluster), registry.Options{TTL: time.Minute})
	defer honest.Close()
	honest.RegisterNode(t.Context(), &hachiv1.NodeRecord{NodeId: "good", Addr: "127.0.0.1:1", ExpertsPerLayer: []uint32{1}})
	rogue, err := proto.Marshal(&hachiv1.NodeRecord{NodeId: "rogue", Addr: "127.0.0.1:2", ExpertsPerLayer: []uint32{1}})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	nodes, placements := reg.WatchNodes(ctx), reg.WatchPlacement(ctx)
	for range 5 {
		if err := inside.Put(ctx, registry.Prefix(cluster)+"nodes/rogue", rogue, 0); err != nil {
			t.Fatal(err)
		}
		if err := inside.Put(ctx, registry.Prefix(cluster)+"placement", rogue, 0); err != nil {
			t.Fatal(err)
		}
	}
	eventually.True(t, "the honest node is seen, and no other", func() bool {
		seen := <-nodes
		for _, n := range seen.Records {
			if n.GetNodeId() != "good" {
				t.Fatalf("%v is believed", n)
			}
		}
		return len(seen.Records) == 1
	})
	select {
	case p := <-placements:
		t.Errorf("placement %v is believed", p)
	default:
	}
	if _, err := reg.Nodes(ctx); err != nil {
		t.Fatal(err)
	}
	if n := log.Count("key=/hachi/c/nodes/rogue"); n != 1 || !strings.Contains(log.String(), "the record is not signed") {
		t.Errorf("%d lines of the rogue:\n%s", n, &log)
	}
}

// TestAPlacementOfARogueIsReplaced: the record keeps its revision, so that the
// coordinator can write over it.
func TestAPlacementOfARogueIsReplaced(t *testing.T) {
	ours := newIssuer(t)
	inside := memory.New()
	reg := registry.New(New(inside, ours.source(identity.Coordinator, "c-0")), registry.Prefix(cluster), registry.Options{TTL: time.Minute})
	defer reg.Close()
	if err := inside.Put(t.Context(), registry.Prefix(cluster)+"placement", []byte("rogue"), 0); err != nil {
		t.Fatal(err)
	}
	term, err := reg.Campaign(t.Context(), &hachiv1.CoordinatorRecord{CoordinatorId: "c-0"})
	if err != nil {
		t.Fatal(err)
	}
	state, err := reg.ReadState(t.Context())
	if err != nil || state.Placement != nil {
		t.Fatalf("%v, %v", state.Placement, err)
	}
	p, err := moe.NewPlacement(1, "f", moe.Uniform(1, 1), [][]moe.Replica{{{Node: "n", Addr: "a"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := reg.WritePlacement(t.Context(), term.Leadership, &state, p); err != nil {
		t.Fatal(err)
	}
	if got, _, err := reg.Placement(t.Context()); err != nil || got.Epoch() != 1 {
		t.Errorf("%v, %v", got, err)
	}
	if all, err := reg.Coordinators(t.Context()); err != nil || len(all) != 1 {
		t.Errorf("%v, %v", all, err)
	}
	if err := term.Resign(t.Context()); err != nil {
		t.Error(err)
	}
}

// TestAReaderWithoutCertificatesIsSentForThem.
func TestAReaderWithoutCertificatesIsSentForThem(t *testing.T) {
	ours := newIssuer(t)
	inside := memory.New()
	if err := New(inside, ours.source(identity.Coordinator, "c-0")).Put(t.Context(), registry.Prefix(cluster)+"placement", []byte("record"), 0); err != nil {
		t.Fatal(err)
	}
	reg := registry.New(New(inside, nil), registry.Prefix(cluster), registry.Options{TTL: time.Minute})
	defer reg.Close()
	if _, _, err := reg.Placement(t.Context()); err == nil || !strings.Contains(err.Error(), "--certificates") {
		t.Error(err)
	}
}
