package checkpoint

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/model/arch"
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
	if err := c.mapAll(&m.mappings, []Spec{s}, func(Spec) *tensor.Weight { return &m.Weight }); err != nil {
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
	err := c.mapAll(&m.mappings, c.expertSpecs(id), func(s Spec) *tensor.Weight { return expertSlot(&m.Weights, s) })
	if err != nil {
		return nil, err
	}
	return m, nil
}

// Copy fills dst with the bytes of one of the tensors at an offset, and reports whether
// the map has them.
func (m *ExpertMap) Copy(tensor string, dst []byte, at int64) bool {
	for _, mp := range m.list {
		if mp.tensor == tensor && at >= 0 && at+int64(len(dst)) <= int64(len(mp.data)) {
			copy(dst, mp.data[at:])
			return true
		}
	}
	return false
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
	w.Layers = make([]model.LayerWeights, c.config.Layers)
	err := c.mapAll(&m.mappings, c.denseSpecs(), func(s Spec) *tensor.Weight { return denseSlot(w, s) })
	if err != nil {
		return nil, err
	}
	return c.finish(m)
}

// finish ties the head and checks the small tensors. It closes m when they are wrong.
func (c *Checkpoint) finish(m *DenseMap) (*DenseMap, error) {
	if c.config.TieEmbeddings {
		m.Weights.Head = m.Weights.Embed
	}
	if err := c.checkFinite(&m.Weights); err != nil {
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

// expertSpecs are the tensors of one expert.
func (c *Checkpoint) expertSpecs(id moe.ExpertID) []Spec {
	return specs(arch.Of(c.config).Expert(c.config, id))
}

// denseSpecs are the tensors of the attention node.
func (c *Checkpoint) denseSpecs() []Spec {
	return slices.DeleteFunc(slices.Clone(c.layout), func(s Spec) bool { return s.IsExpert })
}

// mapAll maps every tensor into its slot, all or none.
func (c *Checkpoint) mapAll(m *mappings, specs []Spec, slot func(Spec) *tensor.Weight) error {
	if c.remote != nil {
		return &Error{File: c.dir, Fault: Unreadable, Err: errElsewhere}
	}
	for _, s := range specs {
		w, err := m.weight(c.tensors[s.Name])
		if err != nil {
			m.unmap()
			return err
		}
		*slot(s) = w
	}
	return nil
}

func (c *Checkpoint) checkExpert(id moe.ExpertID) error {
	if t := c.config.Topology(); !t.Has(id) {
		return &moe.Error{Op: "map expert", Kind: moe.Invalid, Err: fmt.Errorf("%v is not in a model of %v experts", id, t)}
	}
	return nil
}

// mustBeFinite reports whether a tensor is small, and decides what becomes of every row.
func mustBeFinite(s Spec) bool { return s.Vector || s.Role == arch.Gate }

func (c *Checkpoint) checkFinite(w *model.DenseWeights) error {
	var faults []error
	for _, s := range c.denseSpecs() {
		if mustBeFinite(s) {
			faults = append(faults, c.finite(s.Name, *denseSlot(w, s)))
		}
	}
	return FirstFew(faults)
}

func (c *Checkpoint) finite(name string, w tensor.Weight) error {
	if i := notFinite(w); i >= 0 {
		return &Error{File: c.tensors[name].file.path, Tensor: name, Fault: BadValue, Expected: "finite numbers",
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
