package keys

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/hachi-serve/hachi/internal/identity"
)

// Entry is one client in the file of keys.
type Entry struct {
	// Name is the client's in logs and metrics, by the rule of identity.CheckName.
	Name string `yaml:"name"`
	// SHA256 are the hashes of its keys.
	SHA256 Hashes `yaml:"sha256"`
	// Expires is when its keys stop being valid; zero is never.
	Expires time.Time `yaml:"expires,omitempty"`
	Limits  `yaml:",inline"`
	// Role is what a key of the file of admins allows: RoleOperator, which is meant by
	// "" too, or RoleViewer. It means nothing in the file of clients.
	Role string `yaml:"role,omitempty"`
	// Salt names the prefix cache of the client. Clients of equal salts share one;
	// "" is a cache of the client's own.
	Salt string `yaml:"salt,omitempty"`
}

// Limits bound what a client takes of one router; 0 is no limit, except for
// MaxPriority.
type Limits struct {
	// RequestsPerMinute is the mean rate of requests. As many may come at once.
	RequestsPerMinute int `yaml:"requestsPerMinute,omitempty"`
	// Concurrency is the maximum of requests at once.
	Concurrency int `yaml:"concurrency,omitempty"`
	// TokensPerDay is the mean rate of tokens, of prompts and answers. As many may
	// be used at once. The request that uses the last ones is completed.
	TokensPerDay int `yaml:"tokensPerDay,omitempty"`
	// MaxPriority is the most urgent priority of a request: the lowest number.
	MaxPriority int `yaml:"maxPriority,omitempty"`
}

// Roles of admins. A viewer sees a cluster in the console, and changes nothing.
const (
	RoleOperator = "operator"
	RoleViewer   = "viewer"
)

const (
	// MaxEntries bounds the clients of a file.
	MaxEntries = 1000
	// MaxFile is the maximum size of a file, bytes.
	MaxFile = 1 << 20

	maxKeysOfClient = 8
	maxName         = 64
)

// Parse reads a file of keys: a YAML list of entries. An empty file is a fault: it is
// a file that is being written.
func Parse(raw []byte) ([]Entry, error) {
	if len(raw) > MaxFile {
		return nil, fmt.Errorf("%d bytes, expected at most %d", len(raw), MaxFile)
	}
	in := yaml.NewDecoder(bytes.NewReader(raw))
	in.KnownFields(true)
	var entries []Entry
	if err := in.Decode(&entries); errors.Is(err, io.EOF) {
		return nil, errors.New("the file is empty, expected a list of keys; [] is a list that lets no client in")
	} else if err != nil {
		return nil, err
	}
	if err := in.Decode(new(yaml.Node)); !errors.Is(err, io.EOF) {
		return nil, errors.New("expected one YAML document")
	}
	return entries, check(entries)
}

// check reports everything that is wrong with entries.
func check(entries []Entry) error {
	var faults []error
	addf := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	if len(entries) > MaxEntries {
		return fmt.Errorf("%d keys, expected at most %d", len(entries), MaxEntries)
	}
	names, hashes := map[string]bool{}, map[Hash]string{}
	for i, e := range entries {
		if err := checkName(e.Name); err != nil {
			addf("key %d: name: %w", i+1, err)
			continue
		}
		if names[e.Name] {
			addf("key %d: name: %q has an entry already; a client with two keys has both in its list sha256", i+1, e.Name)
		}
		names[e.Name] = true
		if n := len(e.SHA256); n < 1 || n > maxKeysOfClient {
			addf("key %s: sha256: %d hashes, expected 1 to %d", e.Name, n, maxKeysOfClient)
		}
		for _, h := range e.SHA256 {
			if other, taken := hashes[h]; taken {
				addf("key %s: sha256: %s has the same hash", e.Name, other)
			}
			hashes[h] = e.Name
		}
		if low := min(e.RequestsPerMinute, e.Concurrency, e.TokensPerDay); low < 0 {
			addf("key %s: a limit is %d, expected at least 0", e.Name, low)
		}
		if err := CheckRole(e.Role); err != nil {
			addf("key %s: role: %w", e.Name, err)
		}
		if err := checkName(e.Salt); e.Salt != "" && err != nil {
			addf("key %s: salt: %w", e.Name, err)
		}
	}
	return errors.Join(faults...)
}

// CheckRole refuses a text that is no role; "" is RoleOperator.
func CheckRole(role string) error {
	if role != "" && role != RoleOperator && role != RoleViewer {
		return fmt.Errorf("%q, expected %s or %s", role, RoleOperator, RoleViewer)
	}
	return nil
}

// checkName reports what keeps a text from being a client's name, by the rule of every
// name: it stands in a label of a metric, a log line and a hash without escapes.
func checkName(s string) error {
	if len(s) > maxName {
		return fmt.Errorf("%d bytes: want at most %d", len(s), maxName)
	}
	return identity.CheckName(s)
}
