package role

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/identity"
)

// ConfigError is a fault in what the operator gave. A restart would find the
// same fault.
type ConfigError struct{ Err error }

func (e *ConfigError) Error() string { return e.Err.Error() }
func (e *ConfigError) Unwrap() error { return e.Err }

// FieldError is a fault of one field of a configuration.
type FieldError struct {
	Field string // its path in the file, for example serving.kvCacheMemory
	Err   error
}

func (e *FieldError) Error() string { return e.Field + ": " + e.Err.Error() }
func (e *FieldError) Unwrap() error { return e.Err }

// Faults collects everything wrong with a configuration.
type Faults []error

// Addf adds a fault of a field.
func (f *Faults) Addf(field, format string, args ...any) {
	*f = append(*f, &FieldError{Field: field, Err: fmt.Errorf(format, args...)})
}

// Address checks HOST:PORT.
func (f *Faults) Address(field, value string) {
	_, port, err := net.SplitHostPort(value)
	if n, portErr := strconv.Atoi(port); err != nil || portErr != nil || n < 0 || n > 65535 {
		f.Addf(field, "%q: want HOST:PORT", value)
	}
}

// OptionalAddress checks HOST:PORT or nothing.
func (f *Faults) OptionalAddress(field, value string) {
	if value != "" {
		f.Address(field, value)
	}
}

// Name checks a part of a key in etcd, which is also a member's name in the
// gossip and a part of the URI in a certificate.
func (f *Faults) Name(field, value string) {
	if err := identity.CheckName(value); err != nil {
		f.Addf(field, "%w", err)
	}
}

// Reachable refuses an advertised address that each reader would take for
// itself.
func (f *Faults) Reachable(listen, advertise string) {
	f.OptionalAddress("advertise", advertise)
	host, _, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && advertise == "" && (host == "" || (ip != nil && ip.IsUnspecified())) {
		f.Addf("advertise", "required, because listen is %q: every interface", listen)
	}
}

// OneOf checks a name against a list.
func (f *Faults) OneOf(field, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		f.Addf(field, "%q: want %s", value, alternatives(allowed))
	}
}

// alternatives lists names as a sentence does. The empty name is not said.
func alternatives(names []string) string {
	names = slices.DeleteFunc(slices.Clone(names), func(name string) bool { return name == "" })
	if n := len(names) - 1; n > 0 {
		return strings.Join(names[:n], ", ") + " or " + names[n]
	}
	return strings.Join(names, "")
}

// Required refuses an empty value.
func (f *Faults) Required(field, value string) {
	if value == "" {
		f.Addf(field, "required")
	}
}

// Min checks a lower bound.
func (f *Faults) Min(field string, value, min int) {
	if value < min {
		f.Addf(field, "%d: want at least %d", value, min)
	}
}

// Between checks both bounds.
func (f *Faults) Between(field string, value, min, max int) {
	if value < min || value > max {
		f.Addf(field, "%d: want %d to %d", value, min, max)
	}
}

// LeaseTTL checks the lifetime of a lease.
func (f *Faults) LeaseTTL(field string, ttl time.Duration) {
	if ttl < time.Second {
		f.Addf(field, "%v: want at least 1s", ttl)
	}
}

// Err is nil when nothing is wrong.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &ConfigError{Err: errors.Join(f...)}
}
