package kernel

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// anyWeight is random weights of any format that has variants.
func anyWeight(t *testing.T, rng *rand.Rand, d tensor.DType, rows, cols int) tensor.Weight {
	if d.Quantized() {
		return randomBlocks(t, rng, d, rows, cols)
	}
	return randomWeight(t, rng, d, rows, cols)
}

func TestEveryVariantIsTheDefinition(t *testing.T) {
	const k, outputs = 2*f32BlockSteps*pairStep + 160, panelW + 5
	s := NewScratch()
	for _, p := range Best().Products() {
		rng := rand.New(rand.NewPCG(71, uint64(p.Rows)))
		rows := 1
		if class := classOf(p.Rows); class > 0 {
			rows += classes[class-1]
		}
		w, x := anyWeight(t, rng, p.W, outputs, k), randomMatrix(rng, rows, k)
		if p.X == tensor.BF16 {
			x = narrowMatrix(rng, rows, k)
		}
		want := tensor.NewMatrix(rows, outputs)
		Go().MatMul(s, want, x, w, 0, outputs)
		for _, all := range Available() {
			for _, name := range all.Variants(p) {
				one, err := all.With(map[Product]string{p: name})
				if err != nil {
					t.Fatal(err)
				}
				y := tensor.NewMatrix(rows, outputs)
				one.MatMul(s, y, x, w, 0, outputs)
				sameBits(t, fmt.Sprintf("%s: %v, %s", all.Name(), p, name), y.Data, want.Data)
			}
		}
	}
}

func TestAVariantIsInUseForItsClassOnly(t *testing.T) {
	v := only("one", 1)
	v.all = append(v.all, variant[int]{name: "two", way: 2}, variant[int]{name: "three", from: 5, to: 8, way: 3})
	if !v.use(8, "three") || v.use(4, "four") {
		t.Fatal("three is a variant, four is none")
	}
	for rows, want := range map[int]int{1: 1, 2: 1, 3: 1, 4: 1, 5: 3, 8: 3, 9: 1, 64: 1, 500: 1} {
		if got := *v.of(rows); got != want {
			t.Errorf("%d rows: %d, want %d", rows, got, want)
		}
	}
	for rows, want := range map[int]string{4: "one two", 8: "one two three", 32: "one two"} {
		if got := strings.Join(v.names(rows), " "); got != want {
			t.Errorf("%d rows: %s, want %s", rows, got, want)
		}
	}
}

func TestWithLeavesTheOriginal(t *testing.T) {
	everyKernel(t, func(t *testing.T, k *Kernels) {
		for _, p := range k.Products() {
			names := k.Variants(p)
			other, err := k.With(map[Product]string{p: names[len(names)-1]})
			if err != nil {
				t.Fatal(err)
			}
			if got := other.Variant(p); got != names[len(names)-1] {
				t.Errorf("%v: %s is in use, want %s", p, got, names[len(names)-1])
			}
			if got := k.Variant(p); got != names[0] {
				t.Errorf("%v: the original has %s, want the default %s", p, got, names[0])
			}
		}
	})
}

func TestWithRefusesWhatIsNotThere(t *testing.T) {
	for _, bad := range []map[Product]string{
		{{tensor.F16, tensor.F32, 1}: "go"},
		{{tensor.Int8, tensor.BF16, 1}: "go"},
		{{tensor.Int8, tensor.F32, 3}: "go"},
		{{tensor.Int8, tensor.F32, 4}: "gone"},
	} {
		if _, err := Go().With(bad); err == nil {
			t.Errorf("%v was taken", bad)
		}
	}
	if got := (Product{tensor.BF16, tensor.BF16, 4}).String(); got != "bf16 x 4 rows of bf16" {
		t.Error(got)
	}
	if slices.Contains(Go().Products(), Product{tensor.BF16, tensor.BF16, 4}) {
		t.Error("Go has no kernels for x of bf16")
	}
}
