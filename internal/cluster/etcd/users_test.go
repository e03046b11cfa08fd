package etcd

import (
	"context"
	"path/filepath"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/cluster/etcdstore"
	"github.com/hachi-serve/hachi/internal/identity"
)

// TestUsersOfEtcdWriteTheirOwnKeysOnly: a stolen router's certificate publishes no
// placement.
func TestUsersOfEtcdWriteTheirOwnKeysOnly(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	certs := identity.Directory(filepath.Join(t.TempDir(), "certs"))
	if err := certs.Init("c", time.Hour); err != nil {
		t.Fatal(err)
	}
	issue := func(role identity.Role) string {
		dir, err := certs.Issue(role, "n", []string{"127.0.0.1"}, time.Minute)
		if err != nil {
			t.Fatal(err)
		}
		return dir
	}
	s, err := Start(ctx, Config{Dir: filepath.Join(t.TempDir(), "etcd"), Certificates: issue(identity.Etcd)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	open := func(role identity.Role) *etcdstore.Store {
		by, err := identity.Open(issue(role), nil)
		if err != nil {
			t.Fatal(err)
		}
		store, err := etcdstore.Dial(s.Endpoints(), by.HostCredentials(), nil)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { store.Close() })
		return store
	}
	operator := open(identity.Operator)
	for range 2 { // it may be called again
		if err := operator.Restrict(ctx, "c"); err != nil {
			t.Fatal(err)
		}
	}
	for _, test := range []struct {
		role identity.Role
		key  string
		want bool
	}{
		{identity.Router, "/hachi/c/routers/n", true}, {identity.Router, "/hachi/c/names/router/n", true}, {identity.Router, "/hachi/c/placement", false},
		{identity.Router, "/hachi/c/nodes/n", false}, {identity.Router, "/hachi/d/routers/n", false},
		{identity.Expert, "/hachi/c/nodes/n", true}, {identity.Expert, "/hachi/c/target", false}, {identity.Expert, "/hachi/c/names/router/n", false},
		{identity.Coordinator, "/hachi/c/placement", true}, {identity.Coordinator, "/hachi/d/placement", false}, {identity.Gateway, "/hachi/c/routers/n", false},
		{identity.Gateway, "/hachi/c/gateways/n", true}, {identity.Gateway, "/hachi/c/names/gateway/n", true}, {identity.Gateway, "/hachi/c/placement", false},
	} {
		store := open(test.role)
		if err := store.Put(ctx, test.key, []byte("value"), 0); (err == nil) != test.want {
			t.Errorf("%s writes %s: %v", test.role, test.key, err)
		}
		if _, err := store.Get(ctx, "/hachi/c/placement"); err != nil {
			t.Errorf("%s reads: %v", test.role, err)
		}
	}
}
