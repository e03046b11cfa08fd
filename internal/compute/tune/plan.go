package tune

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
)

// Plan says which variants of kernels to use on a machine, and what was measured.
type Plan struct {
	Machine  Machine       `json:"machine"`
	Measured time.Time     `json:"measured"`
	Took     time.Duration `json:"took_ns"`
	Picks    []Pick        `json:"picks"`
}

// Pick is the choice for one kernel.Product, in words. The first of Times is the
// default.
type Pick struct {
	Product string `json:"product"`
	Variant string `json:"variant"`
	Times   []Time `json:"times"`
}

// Time is how long a variant took, the median of the rounds.
type Time struct {
	Variant string  `json:"variant"`
	Micros  float64 `json:"us"`
}

// Speedup is how many times faster the chosen variant is than the default.
func (p Pick) Speedup() float64 {
	at := slices.IndexFunc(p.Times, func(t Time) bool { return t.Variant == p.Variant })
	if at <= 0 || p.Times[at].Micros == 0 {
		return 1
	}
	return p.Times[0].Micros / p.Times[at].Micros
}

// Apply puts the chosen variants in use.
func (p Plan) Apply(k *kernel.Kernels) (*kernel.Kernels, error) {
	choice := map[kernel.Product]string{}
	products := k.Products()
	for _, pick := range p.Picks {
		at := slices.IndexFunc(products, func(p kernel.Product) bool { return p.String() == pick.Product })
		if at < 0 {
			return nil, fmt.Errorf("kernels %s have no variants of %q", k.Name(), pick.Product)
		}
		choice[products[at]] = pick.Variant
	}
	return k.With(choice)
}

// Changed lists the picks that are not the default.
func (p Plan) Changed() []Pick {
	var out []Pick
	for _, pick := range p.Picks {
		if len(pick.Times) > 0 && pick.Variant != pick.Times[0].Variant {
			out = append(out, pick)
		}
	}
	return out
}

// String names what differs from the defaults.
func (p Plan) String() string {
	var parts []string
	for _, c := range p.Changed() {
		parts = append(parts, fmt.Sprintf("%s: %s (%.2f times the default)", c.Product, c.Variant, c.Speedup()))
	}
	if len(parts) == 0 {
		return "the defaults"
	}
	return strings.Join(parts, ", ")
}
