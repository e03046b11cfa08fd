package checkpoint_test

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
	"github.com/hachi-serve/hachi/moe"
)

func TestMapDenseRefusesWhatIsNotFinite(t *testing.T) {
	patterns := map[tensor.DType][]uint32{
		tensor.F32:  {0x7fc00000, 0x7f800000, 0xff800000},
		tensor.F16:  {0x7e00, 0x7c00, 0xfc00},
		tensor.BF16: {0x7fc0, 0x7f80, 0xff80},
	}
	for dtype, bad := range patterns {
		cfg := shape
		cfg.DType = dtype
		dir := write(t, preset.Options{Config: cfg, Seed: 1})
		path := filepath.Join(dir, "model.safetensors")
		for _, name := range []string{aGate, aNorm, "model.norm.weight", "model.layers.0.post_attention_layernorm.weight"} {
			for _, bits := range bad {
				p := takeApart(t, path)
				var le [4]byte
				binary.LittleEndian.PutUint32(le[:], bits)
				at := p.tensors[name].Offsets[0] + 3*int64(dtype.Size())
				old := string(p.data[at : at+int64(dtype.Size())])
				copy(p.data[at:], le[:dtype.Size()])
				save(t, path, p.file(t))
				c := open(t, dir)
				if _, err := c.MapDense(); checkpoint.FaultOf(err) != checkpoint.BadValue || !strings.Contains(err.Error(), name) ||
					!strings.Contains(err.Error(), "row 0, column 3") {
					t.Errorf("%v %x in %s: error %v", dtype, bits, name, err)
				}
				copy(p.data[at:], old)
				save(t, path, p.file(t))
			}
		}
		if _, err := open(t, dir).MapDense(); err != nil {
			t.Errorf("%v: the healed file is refused: %v", dtype, err)
		}
	}
}

// Tensors of more and of less than a huge page, at either end of the file too.
func TestMapsShowTheFilesBytes(t *testing.T) {
	cfg := shape
	cfg.Layers, cfg.Hidden, cfg.FFN, cfg.Heads, cfg.KVHeads, cfg.HeadDim, cfg.Experts, cfg.Vocab, cfg.DType = 1, 512, 2100, 8, 4, 64, 2, 2200, tensor.BF16
	dir := write(t, preset.Options{Config: cfg, Seed: 1})
	p, c := takeApart(t, filepath.Join(dir, "model.safetensors")), open(t, dir)
	for _, s := range checkpoint.Layout(cfg) {
		m, err := c.MapTensor(s)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Touch(t.Context(), nil); err != nil {
			t.Fatal(err)
		}
		if at := p.tensors[s.Name].Offsets; !bytes.Equal(m.Weight.Data, p.data[at[0]:at[1]]) {
			t.Errorf("%s: the map is not bytes %d to %d of the file", s.Name, at[0], at[1])
		}
		if err := m.Close(); err != nil {
			t.Error(err)
		}
	}
}

func TestMapExpertRefusesStrangers(t *testing.T) {
	c := open(t, write(t, preset.Options{Config: shape, Seed: 1}))
	for _, id := range []moe.ExpertID{{Layer: 2}, {Expert: 4}, {Layer: -1}, {Expert: -1}} {
		if _, err := c.MapExpert(id); moe.KindOf(err) != moe.Invalid {
			t.Errorf("%v: error %v", id, err)
		}
		if err := c.VerifyExpert(t.Context(), id); moe.KindOf(err) != moe.Invalid {
			t.Errorf("verify %v: error %v", id, err)
		}
	}
}

func TestMapRefusesAFileThatShrank(t *testing.T) {
	dir := write(t, preset.Options{Config: shape, Seed: 1})
	c := open(t, dir)
	if err := os.Truncate(filepath.Join(dir, "model.safetensors"), 8192); err != nil {
		t.Fatal(err)
	}
	if _, err := c.MapExpert(moe.ExpertID{}); checkpoint.FaultOf(err) != checkpoint.Changed {
		t.Errorf("error %v", err)
	}
}

// A disk that fails under a mapping is a bus error; so is a file that shrinks.
func TestTouchSurvivesAFileThatShrinks(t *testing.T) {
	dir := write(t, preset.Options{Config: shape, Seed: 1})
	m, err := open(t, dir).MapExpert(moe.ExpertID{Layer: 1, Expert: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if err := os.Truncate(filepath.Join(dir, "model.safetensors"), 8192); err != nil {
		t.Fatal(err)
	}
	err = m.Touch(t.Context(), nil)
	if checkpoint.FaultOf(err) != checkpoint.Unreadable || !strings.Contains(err.Error(), "experts.2.") {
		t.Errorf("error %v", err)
	}
}

// Mappings hold the file's content even after the directory is gone and the
// checkpoint is closed.
func TestMapsOutliveTheCheckpoint(t *testing.T) {
	dir := write(t, preset.Options{Config: shape, Seed: 1})
	c := open(t, dir)
	m, err := c.MapExpert(moe.ExpertID{Layer: 1, Expert: 2})
	if err != nil {
		t.Fatal(err)
	}
	want := contents(t, dir)[anExpert]
	c.Close()
	os.RemoveAll(dir)
	compareWeight(t, anExpert, m.Weights.W2, shape.Hidden, shape.FFN, want)
	if m.Close() != nil || m.Close() != nil {
		t.Error("closing fails")
	}
	if m.Weights.W2.Data != nil {
		t.Error("a closed map still hands out weights")
	}
}

func TestTouchReportsAndStops(t *testing.T) {
	c := open(t, write(t, preset.Options{Config: shape, Seed: 1}))
	m, err := c.MapDense()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	var last, total int64
	err = m.Touch(t.Context(), func(done, all int64) {
		if done <= last || all != m.Bytes() {
			t.Errorf("progress %d of %d after %d", done, all, last)
		}
		last, total = done, all
	})
	if err != nil || last != total || total == 0 {
		t.Errorf("ended at %d of %d, error %v", last, total, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := m.Touch(ctx, nil); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want canceled", err)
	}
}
