package etcd

import (
	"context"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"google.golang.org/grpc/credentials"

	"github.com/hachi-serve/hachi/internal/cluster/etcdstore"
	"github.com/hachi-serve/hachi/internal/identity"
)

// TestEtcdAnswersCertificatesOfItsAuthorityOnly: no other process of the machine
// reads or writes a record.
func TestEtcdAnswersCertificatesOfItsAuthorityOnly(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	issue := func(by *identity.Authority, trusted *identity.Authority, role identity.Role) string {
		ca, err := trusted.Pair()
		if err != nil {
			t.Fatal(err)
		}
		pair, err := by.Issue(identity.Request{ID: identity.ID{Cluster: "c", Role: role, Name: "n"}, Hosts: []string{"127.0.0.1"}, From: time.Now(), Life: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		dir := filepath.Join(t.TempDir(), "certs")
		if err := identity.Write(dir, ca.Certificate, pair); err != nil {
			t.Fatal(err)
		}
		return dir
	}
	ours, others := newAuthority(t), newAuthority(t)
	s, err := Start(ctx, Config{Dir: filepath.Join(t.TempDir(), "etcd"), Certificates: issue(ours, ours, identity.Etcd)})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	source := func(dir string) *identity.Source {
		by, err := identity.OpenForeign(dir, nil)
		if err != nil {
			t.Fatal(err)
		}
		return by
	}
	right := source(issue(ours, ours, identity.Expert))
	foreign := source(issue(others, others, identity.Expert))
	for _, test := range []struct {
		name string
		by   *identity.Source
		want bool
	}{{"right", right, true}, {"other authority", foreign, false}, {"plaintext", nil, false}} {
		var store *etcdstore.Store
		if test.by == nil {
			store, err = etcdstore.Dial(s.Endpoints(), nil, nil)
		} else {
			store, err = etcdstore.Dial(s.Endpoints(), test.by.HostCredentials(), nil)
		}
		if err != nil {
			t.Fatal(err)
		}
		within := 10 * time.Second
		if !test.want {
			within = time.Second // it is refused again and again
		}
		asked, done := context.WithTimeout(ctx, within)
		if err := store.Put(asked, "/key", []byte("value"), 0); (err == nil) != test.want {
			t.Errorf("%s: %v", test.name, err)
		}
		done()
		store.Close()
	}
}

// TestAnEtcdThatCannotAnswerIsExplained: with TLS on one end only no call is answered,
// and the error names the flag.
func TestAnEtcdThatCannotAnswerIsExplained(t *testing.T) {
	dir := identity.Directory(filepath.Join(t.TempDir(), "certs"))
	if err := dir.Init("c", time.Hour); err != nil {
		t.Fatal(err)
	}
	certs, err := dir.Issue(identity.Etcd, "etcd-0", []string{"127.0.0.1"}, time.Minute)
	if err != nil {
		t.Fatal(err)
	}
	by, err := identity.Open(certs, nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		certificates, want string
		by                 credentials.TransportCredentials
	}{
		{certs, "speaks TLS: name a directory of certificates with --etcd-certificates", nil},
		{"", "speaks no TLS: give --etcd-certificates none", by.HostCredentials()},
	} {
		s, err := Start(t.Context(), Config{Dir: filepath.Join(t.TempDir(), "etcd"), Certificates: test.certificates})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		store, err := etcdstore.Dial(s.Endpoints(), test.by, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer store.Close()
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := store.Grant(ctx, time.Second); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), s.Endpoints()[0]) {
			t.Errorf("%v, expected %q", err, test.want)
		}
	}
}

func newAuthority(t *testing.T) *identity.Authority {
	t.Helper()
	a, err := identity.NewAuthority("c", time.Now(), time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
