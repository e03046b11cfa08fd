package kernel

import (
	"fmt"
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// variant is a way to compute one kind of product. All variants of a kind give
// the same bits; which is the fastest depends on the machine.
type variant[T any] struct {
	name string
	// from and to are the fewest and the most rows of x for which the variant may
	// be the fastest anywhere; to 0 is any number. Only a measurement heeds them.
	from, to int
	way      T
}

// variants are the ways to compute one kind of product, the default first, and
// the one in use for each class of rows. The default suits any machine that has
// the instructions.
type variants[T any] struct {
	all []variant[T]
	in  [len(classes)]uint8
}

// only is the variants of a kind that has one.
func only[T any](name string, way T) variants[T] {
	return variants[T]{all: []variant[T]{{name: name, way: way}}}
}

// of is the way in use for a number of rows of x; nil if there is none.
func (v *variants[T]) of(rows int) *T {
	if len(v.all) == 0 {
		return nil
	}
	return &v.all[v.in[classOf(rows)]].way
}

// names of the variants for a number of rows of x, the default first.
func (v *variants[T]) names(rows int) []string {
	var out []string
	for i, one := range v.all {
		if i == 0 || one.from <= rows && (one.to == 0 || rows <= one.to) {
			out = append(out, one.name)
		}
	}
	return out
}

// use puts a variant in use for the class of a number of rows.
func (v *variants[T]) use(rows int, name string) bool {
	i := slices.IndexFunc(v.all, func(one variant[T]) bool { return one.name == name })
	if i < 0 {
		return false
	}
	v.in[classOf(rows)] = uint8(i)
	return true
}

// name of the variant in use for a number of rows.
func (v *variants[T]) name(rows int) string { return v.all[v.in[classOf(rows)]].name }

// table is variants of any way.
type table interface {
	names(rows int) []string
	use(rows int, name string) bool
	name(rows int) string
}

// classes are the numbers of rows of x that are chosen for apart: the most rows
// of each class, of the last the number that is measured. Up to 8 rows memory
// bounds a product; 32 and more rows are several tiles, for which weights are in
// a cache.
var classes = [...]int{1, 2, 4, 8, 32, 64}

func classOf(rows int) int {
	for i, most := range classes {
		if rows <= most {
			return i
		}
	}
	return len(classes) - 1
}

// Product is a kind of product whose variant can be chosen: weights of W, rows
// of X, and one class of numbers of rows, named by its largest, which stands for
// it in a measurement.
type Product struct {
	W, X tensor.DType
	Rows int
}

// String is "bf16 x 4 rows of bf16", and without the type of x where it is f32.
func (p Product) String() string {
	if p.X == tensor.F32 {
		return fmt.Sprintf("%v x %d rows", p.W, p.Rows)
	}
	return fmt.Sprintf("%v x %d rows of %v", p.W, p.Rows, p.X)
}

// Products lists the kinds of products that these kernels have variants for.
func (k *Kernels) Products() []Product {
	var out []Product
	for _, d := range tensor.Formats() {
		for _, x := range []tensor.DType{tensor.F32, tensor.BF16} {
			for _, rows := range classes {
				if p := (Product{d, x, rows}); k.table(p) != nil {
					out = append(out, p)
				}
			}
		}
	}
	return out
}

// table is the variants of a product; nil if there are none.
func (k *Kernels) table(p Product) table {
	switch {
	case p.X == tensor.F32 && blockSlot(p.W) >= 0:
		return &k.dot[blockSlot(p.W)]
	case p.X == tensor.F32 && p.W == tensor.BF16:
		return &k.pairsF32
	case p.X == tensor.BF16 && p.W == tensor.BF16 && len(k.pairsBF16.all) > 0:
		return &k.pairsBF16
	}
	return nil
}

// Variants names the ways to compute a product, the default first.
func (k *Kernels) Variants(p Product) []string {
	if t := k.table(p); t != nil {
		return t.names(p.Rows)
	}
	return nil
}

// Variant names the way in use.
func (k *Kernels) Variant(p Product) string {
	if t := k.table(p); t != nil {
		return t.name(p.Rows)
	}
	return ""
}

// With is k with other variants in use: the same bits at another speed. A
// product or a variant that k does not have is an error.
func (k *Kernels) With(choice map[Product]string) (*Kernels, error) {
	out := *k
	for p, name := range choice {
		t := out.table(p)
		if t == nil || !slices.Contains(classes[:], p.Rows) {
			return nil, fmt.Errorf("kernels %s have no variants of %v", k.name, p)
		}
		if !t.use(p.Rows, name) {
			return nil, fmt.Errorf("kernels %s have no variant %q of %v, expected one of %s", k.name, name, p, strings.Join(t.names(p.Rows), ", "))
		}
	}
	return &out, nil
}
