package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// ExpertMap is one expert's weights, mapped.
type ExpertMap struct {
	mappings
	Weights model.ExpertWeights
}

// DenseMap is the attention node's weights, mapped.
type DenseMap struct {
	mappings
	Weights model.DenseWeights
}

// TensorMap is one tensor, mapped.
type TensorMap struct {
	mappings
	Weight tensor.Weight
}

// MapTensor maps one tensor of the layout.
func (c *Checkpoint) MapTensor(s Spec) (*TensorMap, error) {
	m := &TensorMap{}
	if err := c.mapAll(&m.mappings, []Spec{s}, &m.Weight); err != nil {
		return nil, err
	}
	return m, nil
}

// Close unmaps the tensor.
func (m *TensorMap) Close() error {
	m.Weight = tensor.Weight{}
	return m.unmap()
}

// MapExpert maps the three matrices of one expert. Nothing is read yet: see
// Touch.
func (c *Checkpoint) MapExpert(id moe.ExpertID) (*ExpertMap, error) {
	if err := c.checkExpert(id); err != nil {
		return nil, err
	}
	m := &ExpertMap{}
	err := c.mapAll(&m.mappings, expertSpecs(c.config, id), &m.Weights.W1, &m.Weights.W2, &m.Weights.W3)
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Close unmaps the weights. No kernel may be reading them.
func (m *ExpertMap) Close() error {
	m.Weights = model.ExpertWeights{}
	return m.unmap()
}

// MapDense maps embedding, attention, gates, norms and head. Gates and norms,
// which are small, are read and checked: one NaN there turns every answer
// into noise.
func (c *Checkpoint) MapDense() (*DenseMap, error) {
	m := &DenseMap{}
	w := &m.Weights
	specs := []Spec{{Name: embedName}, {Name: normName}}
	into := []*tensor.Weight{&w.Embed, &w.Norm}
	if !c.config.TieEmbeddings {
		specs, into = append(specs, Spec{Name: headName}), append(into, &w.Head)
	}
	w.Layers = make([]model.LayerWeights, c.config.Layers)
	for l := range w.Layers {
		lw := &w.Layers[l]
		specs = append(specs, denseLayer(c.config, l)...)
		into = append(into, &lw.InputNorm, &lw.Q, &lw.K, &lw.V, &lw.O, &lw.PostNorm, &lw.Gate)
	}
	err := c.mapAll(&m.mappings, specs, into...)
	if err != nil {
		return nil, err
	}
	if c.config.TieEmbeddings {
		w.Head = w.Embed
	}
	if err := c.checkFinite(w); err != nil {
		m.Close()
		return nil, err
	}
	return m, nil
}

// Close unmaps the weights. No kernel may be reading them.
func (m *DenseMap) Close() error {
	m.Weights = model.DenseWeights{}
	return m.unmap()
}

// mapAll maps specs[i] into into[i], all or none.
func (c *Checkpoint) mapAll(m *mappings, specs []Spec, into ...*tensor.Weight) error {
	for i, s := range specs {
		w, err := m.weight(c.tensors[s.Name])
		if err != nil {
			m.unmap()
			return err
		}
		*into[i] = w
	}
	return nil
}

func (c *Checkpoint) checkExpert(id moe.ExpertID) error {
	if id.Layer < 0 || id.Layer >= c.config.Layers || id.Expert < 0 || id.Expert >= c.config.Experts {
		return &moe.Error{Op: "map expert", Kind: moe.Invalid,
			Err: fmt.Errorf("%v is not in a model of %d layers with %d experts", id, c.config.Layers, c.config.Experts)}
	}
	return nil
}

func (c *Checkpoint) checkFinite(w *model.DenseWeights) error {
	faults := []error{c.finite(normName, w.Norm)}
	for l, lw := range w.Layers {
		specs := denseLayer(c.config, l)
		faults = append(faults, c.finite(specs[0].Name, lw.InputNorm), c.finite(specs[5].Name, lw.PostNorm),
			c.finite(specs[6].Name, lw.Gate))
	}
	return firstFew(faults)
}

func (c *Checkpoint) finite(name string, w tensor.Weight) error {
	if i := notFinite(w); i >= 0 {
		return &Error{File: c.tensors[name].file.f.Name(), Tensor: name, Fault: BadValue, Expected: "finite numbers",
			Found: fmt.Sprintf("NaN or infinity at row %d, column %d", i/w.Cols, i%w.Cols)}
	}
	return nil
}

// notFinite is the index of the first element whose exponent is all ones; -1
// if there is none.
func notFinite(w tensor.Weight) int {
	for i := range w.Rows * w.Cols {
		var bad bool
		switch w.DType {
		case tensor.F32:
			v := float64(math.Float32frombits(binary.LittleEndian.Uint32(w.Data[4*i:])))
			bad = math.IsNaN(v) || math.IsInf(v, 0)
		case tensor.F16:
			bad = binary.LittleEndian.Uint16(w.Data[2*i:])&0x7c00 == 0x7c00
		case tensor.BF16:
			bad = binary.LittleEndian.Uint16(w.Data[2*i:])&0x7f80 == 0x7f80
		}
		if bad {
			return i
		}
	}
	return -1
}
