package sealed

import (
	"bytes"
	"encoding/asn1"
	"errors"
	"fmt"
	"strings"

	"github.com/hachi-serve/hachi/internal/cluster/registry"
	"github.com/hachi-serve/hachi/internal/identity"
)

// seal is a record in the store: registry.SealedMark, then this in DER.
type seal struct {
	Chain     [][]byte
	Signature []byte
	Record    []byte
}

// message is what is signed: the record, for one key.
func message(key string, record []byte) []byte {
	return append([]byte("hachi record\x00"+key+"\x00"), record...)
}

// closeSeal seals a record for a key.
func closeSeal(by *identity.Source, key string, record []byte) ([]byte, error) {
	signed, err := by.Sign(message(key, record))
	if err != nil {
		return nil, fmt.Errorf("seal of %s: %w", key, err)
	}
	raw, err := asn1.Marshal(seal{signed.Chain, signed.Bytes, record})
	return append([]byte(registry.SealedMark), raw...), err
}

// openSeal is the record in a seal, if a process signed it that may write the key, and
// the key of the authority that issued the certificate of that process.
func openSeal(by *identity.Source, key string, raw []byte) (record, issuer []byte, err error) {
	var s seal
	body, sealed := bytes.CutPrefix(raw, []byte(registry.SealedMark))
	rest, err := asn1.Unmarshal(body, &s)
	if !sealed || err != nil || len(rest) > 0 {
		return nil, nil, errors.New("the record is not signed")
	}
	id, issuer, err := by.Signer(identity.Signature{Chain: s.Chain, Bytes: s.Signature}, message(binding(key), s.Record))
	if err != nil {
		return nil, nil, fmt.Errorf("the signature of the record is refused: %w", err)
	}
	if want, ok := owner(by.ID().Cluster, key); !ok || id.Role != want.Role || (want.Name != "" && id.Name != want.Name) {
		return nil, nil, fmt.Errorf("the record is signed by %v, which may not write this key", id)
	}
	return s.Record, issuer, nil
}

// binding is the key for which a record is signed: its own. A candidate of an
// election does not know the key that it will get, and signs for the election.
func binding(key string) string {
	const parts = 5 // "", the root, the cluster, which may have any name, "election" and the candidate
	if p := strings.SplitN(key, "/", parts); len(p) == parts && p[3] == "election" {
		return strings.TrimSuffix(key, "/"+p[4])
	}
	return key
}

// owner is who may write a key; an empty name is any process of the role.
func owner(cluster, key string) (identity.ID, bool) {
	rest, ok := strings.CutPrefix(key, registry.Prefix(cluster))
	if !ok {
		return identity.ID{}, false
	}
	kind, name, _ := strings.Cut(rest, "/")
	switch kind {
	case "nodes":
		return identity.ID{Role: identity.Expert, Name: name}, name != ""
	case "routers", "loads":
		return identity.ID{Role: identity.Router, Name: name}, name != ""
	case "gateways":
		return identity.ID{Role: identity.Gateway, Name: name}, name != ""
	case "target", "placement", "drains", "election":
		return identity.ID{Role: identity.Coordinator}, true
	case "names":
		return holder(name)
	}
	return identity.ID{}, false
}

// holder is who may hold a name, ROLE/ID.
func holder(rest string) (identity.ID, bool) {
	role, name, _ := strings.Cut(rest, "/")
	switch role {
	case registry.ExpertNodeRole:
		return identity.ID{Role: identity.Expert, Name: name}, name != ""
	case registry.RouterRole:
		return identity.ID{Role: identity.Router, Name: name}, name != ""
	case registry.GatewayRole:
		return identity.ID{Role: identity.Gateway, Name: name}, name != ""
	case registry.CoordinatorRole:
		return identity.ID{Role: identity.Coordinator, Name: name}, name != ""
	}
	return identity.ID{}, false
}
