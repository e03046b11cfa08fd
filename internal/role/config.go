package role

import (
	"errors"
	"fmt"
	"net"
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// ConfigError is a fault in what the operator gave: it would fail the same way
// again, so the process ends with status Permanent.
type ConfigError struct{ Err error }

func (e *ConfigError) Error() string { return e.Err.Error() }
func (e *ConfigError) Unwrap() error { return e.Err }

// Faults collects everything wrong with a configuration.
type Faults []error

func (f *Faults) Addf(format string, args ...any) { *f = append(*f, fmt.Errorf(format, args...)) }

func (f *Faults) Address(flag, value string) {
	_, port, err := net.SplitHostPort(value)
	if n, portErr := strconv.Atoi(port); err != nil || portErr != nil || n < 0 || n > 65535 {
		f.Addf("--%s %q: want HOST:PORT", flag, value)
	}
}

// name is a part of a key in etcd and of a member's name in the gossip.
func (f *Faults) Name(flag, value string) {
	f.Required(flag, value)
	if i := strings.IndexFunc(value, func(r rune) bool { return !unicode.IsPrint(r) || unicode.IsSpace(r) || strings.ContainsRune("/@", r) }); i >= 0 {
		f.Addf("--%s %q: want no spaces, slashes or @", flag, value)
	}
}

func (f *Faults) OptionalAddress(flag, value string) {
	if value != "" {
		f.Address(flag, value)
	}
}

// reachable refuses to tell others an address that each of them would take for
// itself.
func (f *Faults) Reachable(listen, advertise string) {
	f.OptionalAddress("advertise", advertise)
	host, _, err := net.SplitHostPort(listen)
	if ip := net.ParseIP(host); err == nil && advertise == "" && (host == "" || (ip != nil && ip.IsUnspecified())) {
		f.Addf("--listen %q is every interface: --advertise must name the one others use", listen)
	}
}

func (f *Faults) OneOf(flag, value string, allowed ...string) {
	if !slices.Contains(allowed, value) {
		f.Addf("--%s %q: want one of %v", flag, value, allowed)
	}
}

func (f *Faults) Required(flag, value string) {
	if value == "" {
		f.Addf("--%s is required", flag)
	}
}

// err is nil when nothing is wrong.
func (f Faults) Err() error {
	if len(f) == 0 {
		return nil
	}
	return &ConfigError{Err: errors.Join(f...)}
}
