package identity

import (
	"crypto/x509"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/leaktest"
)

func TestMain(m *testing.M) { leaktest.Main(m) }

func TestIDsAndURIsAreInverse(t *testing.T) {
	for _, role := range Roles() {
		want := ID{Cluster: "up-x_1", Role: role, Name: "expert-0.pod"}
		if got, err := Parse(want.String()); err != nil || got != want {
			t.Errorf("%v became %v, %v", want, got, err)
		}
	}
}

func TestOtherURIsAreRefused(t *testing.T) {
	for _, uri := range []string{
		"", "spiffe://", "spiffe://c", "spiffe://c/router", "spiffe://c/router/", "spiffe://c//n", "spiffe:///router/n", "spiffe://c/router/n/more",
		"spiffe://c/root/n", "spiffe://c/Router/n", "https://c/router/n", "spiffe://c/router/n?x", "spiffe://c/router/n#x", "spiffe://c/router/%6e",
		"spiffe://user@c/router/n", "spiffe://c:1/router/n", "spiffe://c/router/..", "spiffe://c/router/a..b", "spiffe://c/router/n ", "spiffe://c/router/n\x00",
		"spiffe://c/router/日本", "spiffe://c/router/" + strings.Repeat("n", maxName+1),
	} {
		if id, err := Parse(uri); err == nil {
			t.Errorf("%q is %v", uri, id)
		}
	}
}

func TestCertificatesWithoutOneURIAreRefused(t *testing.T) {
	uri := ID{"c", Router, "n"}.url()
	for _, c := range []*x509.Certificate{{}, {URIs: []*url.URL{uri, uri}}, {DNSNames: []string{"spiffe://c/router/n"}}} {
		if id, err := Of(c); err == nil {
			t.Errorf("%v", id)
		}
	}
}

// TestAnAuthorityWritesNames: the certificate of an ID names it, or none is issued.
func TestAnAuthorityWritesNames(t *testing.T) {
	authority := authority(t, "c")
	for _, uri := range []string{"spiffe://c/router/n", "spiffe://C.x/expert/expert-0", "spiffe://127.0.0.1/etcd/1", "spiffe://-/gateway/_", "spiffe://c/operator/a-.b"} {
		id, err := Parse(uri)
		if err != nil {
			t.Fatal(err)
		}
		pair, err := authority.Issue(Request{ID: id, From: time.Now(), Life: time.Minute})
		if err != nil {
			t.Fatal(err)
		}
		parsed, err := parseCertificates(pair.Certificate)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Of(parsed[0]); err != nil || got != id {
			t.Errorf("%q: the certificate is of %v, %v", uri, got, err)
		}
	}
}

// FuzzNamesInCertificates: what Parse accepts is what String writes, and is read back
// from the URI of a certificate, which crypto/x509 parses with net/url.
func FuzzNamesInCertificates(f *testing.F) {
	for _, uri := range []string{"spiffe://c/router/n", "spiffe://C.x/expert/expert-0", "spiffe://c/router/%6e", "spiffe://c/router/n?", "spiffe://[::1]/etcd/n", "spiffe://127.0.0.1/etcd/1", "spiffe://c:1/router/n", "spiffe://u@c/router/n", "spiffe:c/router/n"} {
		f.Add(uri)
	}
	f.Fuzz(func(t *testing.T, uri string) {
		if parsed, err := url.Parse(uri); err == nil {
			id, err := Of(&x509.Certificate{URIs: []*url.URL{parsed}})
			if err == nil && id.String() != parsed.String() {
				t.Fatalf("%q is taken for %q", parsed, id)
			}
		}
		id, err := Parse(uri)
		if err != nil {
			return
		}
		if id.String() != uri || id.url().String() != uri {
			t.Fatalf("%q became %q", uri, id)
		}
		parsed, err := url.Parse(id.url().String())
		if err != nil {
			t.Fatal(err)
		}
		if got, err := Of(&x509.Certificate{URIs: []*url.URL{parsed}}); err != nil || got != id {
			t.Fatalf("%q: the certificate is of %v, %v", uri, got, err)
		}
	})
}

// FuzzCertificateFiles: files of any content are material or an error.
func FuzzCertificateFiles(f *testing.F) {
	authority, err := NewAuthority("c", time.Now(), time.Hour)
	if err != nil {
		f.Fatal(err)
	}
	ca, err := authority.Pair()
	if err != nil {
		f.Fatal(err)
	}
	pair, err := authority.Issue(Request{ID: ID{"c", Router, "n"}, From: time.Now(), Life: time.Minute})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(ca.Certificate, pair.Certificate, pair.Key)
	f.Add(ca.Certificate, ca.Certificate, ca.Key)
	f.Add([]byte{}, []byte("-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n"), []byte("x"))
	f.Fuzz(func(t *testing.T, authorities, certificate, key []byte) {
		m, err := newMaterial(authorities, Pair{certificate, key}, false, time.Now())
		if err == nil && m.id.Check() != nil {
			t.Errorf("%v", m.id)
		}
		_, _ = ParseAuthority(Pair{certificate, key})
	})
}
