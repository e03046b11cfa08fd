package placement

import (
	"math"
	"math/rand/v2"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
)

// zipf replaces the gate logits of a model, so that the experts of a layer are as
// popular as Zipf's law says:
//
//	p(expert) = rank(expert)^-skew / sum of all
//	logit(expert, token) = ln p(expert) + G(layer, expert, token)
//
// With G drawn from the standard Gumbel distribution, the k highest logits are k
// experts drawn by p without replacement (the Gumbel top-k trick; Kool et al., arXiv
// 1903.06059). Ranks are another permutation in each layer. The routing is a pure
// function of seed, layer and token.
type zipf struct {
	model.Dense
	seed   uint64
	log    [][]float64 // ln p, [layer][expert]
	tokens []int32     // of the step
}

func newZipf(dense model.Dense, m model.Config, skew float64, seed uint64) *zipf {
	z := &zipf{Dense: dense, seed: seed}
	random := rand.New(rand.NewPCG(seed, 1))
	t := m.Topology()
	for layer := range t.Layers() {
		log := make([]float64, t.In(layer))
		sum := 0.0
		for e, rank := range random.Perm(len(log)) {
			log[e] = -skew * math.Log(float64(rank+1))
			sum += math.Exp(log[e])
		}
		for e := range log {
			log[e] -= math.Log(sum)
		}
		z.log = append(z.log, log)
	}
	return z
}

// Embed implements model.Dense.
func (z *zipf) Embed(b *model.Batch, x tensor.Matrix) error {
	z.tokens = b.Tokens
	return z.Dense.Embed(b, x)
}

// Attend implements model.Dense. Attention is computed as ever; only the gate logits
// are others.
func (z *zipf) Attend(layer, first int, x, h, gate tensor.Matrix) error {
	if err := z.Dense.Attend(layer, first, x, h, gate); err != nil {
		return err
	}
	if len(z.log[layer]) == 0 {
		return nil
	}
	for i := range gate.Rows {
		random := rand.NewPCG(z.seed^uint64(layer+1)<<32, uint64(z.tokens[first+i]))
		for e, log := range z.log[layer] {
			uniform := (float64(random.Uint64()>>11) + 0.5) / (1 << 53)
			gate.Row(i)[e] = float32(log - math.Log(-math.Log(uniform)))
		}
	}
	return nil
}
