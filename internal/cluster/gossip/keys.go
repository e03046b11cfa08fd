package gossip

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"

	"github.com/hashicorp/memberlist"
)

// Keys encrypt what members say to each other, and keep out those that lack them.
// They may be replaced while members use them: a key is first added everywhere,
// then put first everywhere, then the one before is removed.
//
// Reference: memberlist's Keyring.
type Keys struct{ ring *memberlist.Keyring }

// maxKeys bounds a file of keys: each message is tried with each.
const maxKeys = 16

// ParseKeys reads one base64 key of 16, 24 or 32 bytes per line. The first
// encrypts, all decrypt. Empty lines and those that begin with # count for nothing.
func ParseKeys(text []byte) (*Keys, error) {
	keys, err := parseKeys(text)
	if err != nil {
		return nil, err
	}
	ring, err := memberlist.NewKeyring(keys, keys[0])
	if err != nil {
		return nil, fmt.Errorf("gossip keys: %w", err)
	}
	return &Keys{ring}, nil
}

// all are the keys in use; nil in plaintext.
func (k *Keys) all() [][]byte {
	if k == nil {
		return nil
	}
	return k.ring.GetKeys()
}

func parseKeys(text []byte) ([][]byte, error) {
	var keys [][]byte
	for i, line := range strings.Split(string(text), "\n") {
		if line = strings.TrimSpace(line); line == "" || line[0] == '#' {
			continue
		}
		key, err := base64.StdEncoding.Strict().DecodeString(line)
		if err != nil { // whose text would print the key
			return nil, fmt.Errorf("gossip keys: line %d is not base64", i+1)
		}
		if err := memberlist.ValidateKey(key); err != nil {
			return nil, fmt.Errorf("gossip keys: line %d has %d bytes, expected 16, 24 or 32", i+1, len(key))
		}
		keys = append(keys, key)
	}
	if len(keys) == 0 || len(keys) > maxKeys {
		return nil, fmt.Errorf("gossip keys: %d keys, expected 1 to %d", len(keys), maxKeys)
	}
	return keys, nil
}

// Replace puts the keys of a text in place of those in use. On an error those in
// use stay.
func (k *Keys) Replace(text []byte) error {
	keys, err := parseKeys(text)
	if err != nil {
		return err
	}
	for _, key := range keys {
		if err := k.ring.AddKey(key); err != nil {
			return fmt.Errorf("gossip keys: %w", err)
		}
	}
	if err := k.ring.UseKey(keys[0]); err != nil {
		return fmt.Errorf("gossip keys: %w", err)
	}
	for _, old := range slices.Clone(k.ring.GetKeys()) {
		if slices.ContainsFunc(keys, func(key []byte) bool { return bytes.Equal(key, old) }) {
			continue
		}
		if err := k.ring.RemoveKey(old); err != nil {
			return fmt.Errorf("gossip keys: %w", err)
		}
	}
	return nil
}
