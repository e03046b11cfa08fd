package identity

import (
	"crypto/x509"
	"fmt"
	"net/url"
	"slices"
	"strings"
)

// Role is what a process, or a person, is in a cluster.
type Role string

// The roles. A router calls experts; a gateway calls routers; an operator drains
// nodes and reads the status.
const (
	Router      Role = "router"
	Expert      Role = "expert"
	Coordinator Role = "coordinator"
	Gateway     Role = "gateway"
	Operator    Role = "operator"
	Etcd        Role = "etcd"
)

// Roles lists every role.
func Roles() []Role { return []Role{Router, Expert, Coordinator, Gateway, Operator, Etcd} }

// Known reports whether r is one of Roles.
func (r Role) Known() bool { return slices.Contains(Roles(), r) }

// ID names a process of a cluster.
type ID struct {
	Cluster string
	Role    Role
	Name    string // that of its configuration and of its records
}

const (
	scheme  = "spiffe"
	maxName = 200 // of a cluster or a process, bytes
)

// CheckName reports what keeps a name out of a certificate: SPIFFE-ID allows
// letters, digits and three marks, and escapes nothing.
func CheckName(name string) error {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("._-", r)
	}
	switch {
	case name == "":
		return fmt.Errorf("required")
	case len(name) > maxName:
		return fmt.Errorf("%d bytes: want at most %d", len(name), maxName)
	case strings.ContainsFunc(name, func(r rune) bool { return !plain(r) }):
		return fmt.Errorf("%q: want letters of ASCII, digits, '.', '_' and '-'", name)
	case strings.HasPrefix(name, "."), strings.HasSuffix(name, "."), strings.Contains(name, ".."):
		return fmt.Errorf("%q: want no dot at an end, and no two in a row", name)
	}
	return nil
}

// Check reports what keeps an ID out of a certificate.
func (id ID) Check() error {
	if err := CheckName(id.Cluster); err != nil {
		return fmt.Errorf("cluster: %w", err)
	}
	if !id.Role.Known() {
		return fmt.Errorf("role %q: want one of %q", id.Role, Roles())
	}
	if err := CheckName(id.Name); err != nil {
		return fmt.Errorf("name: %w", err)
	}
	return nil
}

// String is the URI of the ID in a certificate.
func (id ID) String() string {
	return scheme + "://" + id.Cluster + "/" + string(id.Role) + "/" + id.Name
}

// Parse is the inverse of String. It accepts nothing that String does not write.
func Parse(uri string) (ID, error) {
	rest, ok := strings.CutPrefix(uri, scheme+"://")
	parts := strings.Split(rest, "/")
	if !ok || len(parts) != 3 {
		return ID{}, fmt.Errorf("%q: want spiffe://CLUSTER/ROLE/NAME", uri)
	}
	id := ID{Cluster: parts[0], Role: Role(parts[1]), Name: parts[2]}
	if err := id.Check(); err != nil {
		return ID{}, fmt.Errorf("%q: %w", uri, err)
	}
	return id, nil
}

// Of is the ID in a certificate. The caller has verified the certificate.
func Of(c *x509.Certificate) (ID, error) {
	if len(c.URIs) != 1 {
		return ID{}, fmt.Errorf("the certificate has %d URIs, expected one, spiffe://CLUSTER/ROLE/NAME", len(c.URIs))
	}
	return Parse(c.URIs[0].String())
}

func (id ID) url() *url.URL {
	return &url.URL{Scheme: scheme, Host: id.Cluster, Path: "/" + string(id.Role) + "/" + id.Name}
}
