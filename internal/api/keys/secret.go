package keys

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"

	"go.yaml.in/yaml/v3"
)

// Prefix begins every key that New makes, so that scanners of source code find a
// key that was committed.
const Prefix = "hachi_"

// Hash is the SHA-256 of a key. A key has at least 128 random bits, so its hash needs
// neither salt nor work: it cannot be guessed.
type Hash [sha256.Size]byte

// HashOf hashes a key.
func HashOf(key string) Hash { return sha256.Sum256([]byte(key)) }

// String is the hash as the file has it.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// MarshalYAML implements yaml.Marshaler.
func (h Hash) MarshalYAML() (any, error) { return h.String(), nil }

// UnmarshalYAML implements yaml.Unmarshaler.
func (h *Hash) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind != yaml.ScalarNode || len(n.Value) != hex.EncodedLen(len(h)) {
		return fmt.Errorf("line %d: want a SHA-256 of %d hexadecimal digits, as `hachi keys new` prints", n.Line, hex.EncodedLen(len(h)))
	}
	if _, err := hex.Decode(h[:], []byte(n.Value)); err != nil {
		return fmt.Errorf("line %d: SHA-256: %w", n.Line, err)
	}
	return nil
}

// Hashes are the keys of one client: more than one while its key is replaced. The
// file may have one hash without a list.
type Hashes []Hash

// UnmarshalYAML implements yaml.Unmarshaler.
func (h *Hashes) UnmarshalYAML(n *yaml.Node) error {
	if n.Kind == yaml.ScalarNode {
		*h = make(Hashes, 1)
		return (*h)[0].UnmarshalYAML(n)
	}
	var many []Hash
	if err := n.Decode(&many); err != nil {
		return err
	}
	*h = many
	return nil
}

// New makes a key and the entry of its client.
func New(name string, l Limits) (key string, e Entry, err error) {
	key = Prefix + rand.Text() // at least 128 random bits
	e = Entry{Name: name, SHA256: Hashes{HashOf(key)}, Limits: l}
	return key, e, check([]Entry{e})
}
