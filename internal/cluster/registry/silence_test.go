package registry_test

import (
	"context"
	"fmt"
	"net"
	"path/filepath"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/etcd"
	"github.com/hachi-serve/hachi/internal/cluster/etcdstore"
	"github.com/hachi-serve/hachi/internal/transport/faulty"
)

// threeMembers starts an etcd, with a line before each member.
func threeMembers(t *testing.T) (lines []*faulty.Relay, endpoints []string) {
	t.Helper()
	peers := map[string]string{}
	for i := range 3 {
		free, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		defer free.Close()
		peers[fmt.Sprint("etcd-", i)] = free.Addr().String()
		free.Close()
	}
	servers := make(chan *etcd.Server, len(peers))
	for name := range peers {
		go func() {
			s, err := etcd.Start(t.Context(), etcd.Config{Dir: filepath.Join(t.TempDir(), name, "data"), Name: name, Members: peers})
			if err != nil {
				t.Error(err)
			}
			servers <- s
		}()
	}
	for range peers {
		s := <-servers
		if s == nil {
			t.FailNow()
		}
		t.Cleanup(s.Close)
		lines = append(lines, newLine(t, s))
		endpoints = append(endpoints, lines[len(lines)-1].Addr())
	}
	return lines, endpoints
}

// TestASilentMemberIsLeft: its connections stay open, and carried a third of all calls.
// Every call has less time than gRPC needs to notice.
func TestASilentMemberIsLeft(t *testing.T) {
	lines, endpoints := threeMembers(t)
	store, err := etcdstore.Dial(endpoints, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { store.Close() })
	lease, err := store.Grant(t.Context(), time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	call := func(what string, ask func(context.Context) error) {
		t.Helper()
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := ask(ctx); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	seen := make(chan string, 1000)
	go store.Watch(t.Context(), "/silence/", func(values map[string][]byte) { seen <- string(values["/silence/key"]) })
	<-seen
	for i := range lines {
		for _, d := range []faulty.Direction{faulty.ToServer, faulty.ToClient} {
			lines[i].Set(d, faulty.Wire{Silent: true})
		}
		value := fmt.Sprint("while member ", i, " is silent")
		for range 4 {
			call("grant", func(ctx context.Context) error { _, err := store.Grant(ctx, time.Minute); return err })
			call("put", func(ctx context.Context) error { return store.Put(ctx, "/silence/key", []byte(value), lease) })
			call("renew", func(ctx context.Context) error { return store.Renew(ctx, lease) })
			call("get", func(ctx context.Context) error { _, err := store.Get(ctx, "/silence/"); return err })
		}
		for _, d := range []faulty.Direction{faulty.ToServer, faulty.ToClient} {
			lines[i].Set(d, faulty.Wire{})
		}
		for got := ""; got != value; {
			select {
			case got = <-seen:
			case <-time.After(time.Minute):
				t.Fatalf("the watch never saw %q", value)
			}
		}
	}
}
