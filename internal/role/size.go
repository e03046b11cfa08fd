package role

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Size is an amount of memory in bytes. Its text is a number of bytes or a
// number with a unit: Ki, Mi, Gi, Ti (powers of 1024) or k, M, G, T (powers of
// 1000), with or without a B at the end.
type Size int64

// Units of Size.
const (
	Mi Size = 1 << 20
	Gi Size = 1 << 30
)

// units are in the order of preference for String.
var units = [...]struct {
	name  string
	bytes int64
}{
	{"Ti", 1 << 40}, {"Gi", 1 << 30}, {"Mi", 1 << 20}, {"Ki", 1 << 10},
	{"T", 1e12}, {"G", 1e9}, {"M", 1e6}, {"k", 1e3}, {"K", 1e3}, {"", 1},
}

// String is the number in the largest unit of 1024 that needs no fraction.
func (s Size) String() string {
	for _, u := range units {
		if strings.HasSuffix(u.name, "i") && s != 0 && int64(s)%u.bytes == 0 {
			return strconv.FormatInt(int64(s)/u.bytes, 10) + u.name
		}
	}
	return strconv.FormatInt(int64(s), 10)
}

// Set implements pflag.Value.
func (s *Size) Set(text string) error {
	number := strings.TrimRight(text, "TGMkKiB")
	unit := strings.TrimSuffix(text[len(number):], "B")
	n, err := strconv.ParseInt(number, 10, 64)
	for _, u := range units {
		if err == nil && u.name == unit && n >= 0 && n <= math.MaxInt64/u.bytes {
			*s = Size(n * u.bytes)
			return nil
		}
	}
	return fmt.Errorf("%q: want a number of bytes, for example 17179869184, 512Mi or 16GiB", text)
}

// Type implements pflag.Value.
func (*Size) Type() string { return "size" }

// MarshalYAML implements yaml.Marshaler.
func (s Size) MarshalYAML() (any, error) { return s.String(), nil }

// UnmarshalYAML implements yaml.Unmarshaler.
func (s *Size) UnmarshalYAML(n *yaml.Node) error {
	if err := s.Set(n.Value); err != nil {
		return &yaml.TypeError{Errors: []string{fmt.Sprintf("line %d: %v", n.Line, err)}}
	}
	return nil
}
