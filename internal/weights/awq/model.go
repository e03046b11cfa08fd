package awq

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/model/arch"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
)

// Model is an open checkpoint. It is a quantize.Source.
type Model struct {
	raw   *checkpoint.Raw
	cfg   model.Config
	plain []byte // config.json without the part about quantization
	group int
}

// Open reads the configuration and all headers, and checks them against each
// other.
func Open(dir string) (*Model, error) {
	m := &Model{}
	var err error
	if m.cfg, m.plain, m.group, err = readConfig(dir); err != nil {
		return nil, err
	}
	if m.raw, err = checkpoint.OpenRaw(dir); err != nil {
		return nil, err
	}
	if err := m.check(); err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// check maps every tensor once, for types and shapes, and refuses a tensor that
// the model has no place for: it may change the arithmetic.
func (m *Model) check() error {
	var faults []error
	used := map[string]bool{}
	for _, s := range checkpoint.Layout(m.cfg) {
		faults = append(faults, m.checkTensor(s))
		if !m.packed(s) {
			used[s.Name] = true
			continue
		}
		for _, part := range []string{"qweight", "qzeros", "scales"} {
			used[base(s)+part] = true
		}
	}
	for _, name := range m.raw.Names() {
		if !used[name] && !checkpoint.Spare(m.cfg, name) {
			faults = append(faults, m.raw.Unexpected(name, "only tensors of a "+arch.Of(m.cfg).Name+", quantized by AWQ or plain"))
		}
	}
	return checkpoint.FirstFew(faults)
}

func (m *Model) checkTensor(s checkpoint.Spec) error {
	if m.packed(s) {
		p, err := m.mapPacked(s)
		if err != nil {
			return err
		}
		return p.release()
	}
	_, release, err := m.plainTensor(s)
	if err != nil {
		return err
	}
	return release()
}

// Config is the model's shape.
func (m *Model) Config() model.Config { return m.cfg }

// Close closes the files.
func (m *Model) Close() error { return m.raw.Close() }

// WriteConfig writes config.json as it is without quantization into dir and
// returns its path.
func (m *Model) WriteConfig(dir string) (string, error) {
	path := filepath.Join(dir, "config.json")
	return path, os.WriteFile(path, m.plain, 0o644)
}

func base(s checkpoint.Spec) string { return strings.TrimSuffix(s.Name, "weight") }

func (m *Model) packed(s checkpoint.Spec) bool {
	return s.Quantizable() && m.raw.Has(base(s)+"qweight")
}

// Tensor implements quantize.Source.
func (m *Model) Tensor(s checkpoint.Spec) (tensor.Weight, func() error, error) {
	if !m.packed(s) {
		return m.plainTensor(s)
	}
	p, err := m.mapPacked(s)
	if err != nil {
		return tensor.Weight{}, nil, err
	}
	w := p.repack(s.Rows, s.Cols, m.group)
	return w, func() error { return nil }, p.release()
}

func (m *Model) plainTensor(s checkpoint.Spec) (tensor.Weight, func() error, error) {
	t, release, err := m.raw.Map(s.Name, "", s.Shape()...)
	if err != nil {
		return tensor.Weight{}, nil, err
	}
	d, ok := map[string]tensor.DType{"F32": tensor.F32, "F16": tensor.F16, "BF16": tensor.BF16}[t.DType]
	if !ok {
		return tensor.Weight{}, nil, errors.Join(release(), &checkpoint.Error{File: m.raw.File(s.Name), Tensor: s.Name,
			Fault: checkpoint.WrongDType, Expected: "F32, F16 or BF16", Found: t.DType})
	}
	return tensor.Weight{DType: d, Rows: s.Rows, Cols: s.Cols, Data: t.Data}, release, nil
}

// packed is the three tensors of a matrix.
type packed struct {
	weights, zeros, scales []byte
	releases               []func() error
}

func (p *packed) release() error {
	var errs []error
	for _, f := range p.releases {
		errs = append(errs, f())
	}
	return errors.Join(errs...)
}

func (m *Model) mapPacked(s checkpoint.Spec) (*packed, error) {
	if s.Rows%8 != 0 || s.Cols%m.group != 0 {
		return nil, &checkpoint.Error{File: m.raw.File(base(s) + "qweight"), Tensor: s.Name, Fault: checkpoint.WrongShape,
			Expected: fmt.Sprintf("outputs by 8, inputs by groups of %d", m.group), Found: fmt.Sprintf("%d, %d", s.Rows, s.Cols)}
	}
	p := &packed{}
	groups, words := int64(s.Cols/m.group), int64(s.Rows/8)
	for _, part := range []struct {
		into  *[]byte
		name  string
		dtype string
		shape []int64
	}{
		{&p.weights, "qweight", "I32", []int64{int64(s.Cols), words}},
		{&p.zeros, "qzeros", "I32", []int64{groups, words}},
		{&p.scales, "scales", "F16", []int64{groups, int64(s.Rows)}},
	} {
		t, release, err := m.raw.Map(base(s)+part.name, part.dtype, part.shape...)
		if err != nil {
			return nil, errors.Join(err, p.release())
		}
		*part.into = t.Data
		p.releases = append(p.releases, release)
	}
	return p, nil
}

// shifts say where each of eight outputs lies in a word: even ones first.
var shifts = [8]uint32{0, 16, 4, 20, 8, 24, 12, 28}

// nibble is output o of row i of a packed tensor with `outputs` outputs.
func nibble(data []byte, i, o, outputs int) byte {
	return byte(binary.LittleEndian.Uint32(data[(i*outputs/8+o/8)*4:])>>shifts[o%8]) & 15
}

// repack makes blocks of 16 outputs.
func (p *packed) repack(rows, cols, group int) tensor.Weight {
	w := tensor.Weight{DType: blocksFor(group), Rows: rows, Cols: cols}
	w.Data = make([]byte, w.DType.Bytes(rows, cols))
	_, blocks := w.DType.Blocks(rows, cols)
	wide := w.DType.BlockGroups() * tensor.GroupCols
	for o := range rows {
		strip := w.Data[o/tensor.BlockRows*blocks*w.DType.BlockBytes():]
		for at := 0; at < cols; at += tensor.GroupCols {
			g, block := at/group, strip[at/wide*w.DType.BlockBytes():]
			var q [tensor.GroupCols]byte
			for j := range q {
				q[j] = nibble(p.weights, at+j, o, rows)
			}
			scale, zero := p.scales[2*(g*rows+o):][:2], nibble(p.zeros, g, o, rows)
			if w.DType == tensor.Int8 {
				putInt8(block, &q, scale, zero, o%tensor.BlockRows)
			} else {
				putAffine(block, &q, scale, zero, o%tensor.BlockRows, at%wide/tensor.GroupCols)
			}
		}
	}
	return w
}

// blocksFor holds scale*(q-zero) exactly: Int4Affine has one scale for its four
// groups, and so much room for factors that zero is one of them; Int8 has room
// for q-zero.
func blocksFor(group int) tensor.DType {
	if group%(tensor.AffineGroups*tensor.GroupCols) == 0 {
		return tensor.Int4Affine
	}
	return tensor.Int8
}

func putInt8(block []byte, q *[tensor.GroupCols]byte, scale []byte, zero byte, r int) {
	for j, v := range q {
		block[j/4*64+4*r+j%4] = 128 + v - zero
	}
	copy(block[512+2*r:], scale)
}

func putAffine(block []byte, q *[tensor.GroupCols]byte, scale []byte, zero byte, r, g int) {
	to := block[g*tensor.AffineGroup:]
	for j := range 16 {
		to[j/4*64+4*r+j%4] = q[j] | q[16+j]<<4
	}
	to[256+r], to[272+r] = 1, zero
	behind := block[tensor.AffineGroups*tensor.AffineGroup:]
	copy(behind[2*r:], scale)
	copy(behind[2*tensor.BlockRows+2*r:], scale)
}
