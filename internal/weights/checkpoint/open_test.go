package checkpoint_test

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
	"github.com/hachi-serve/hachi/moe"
)

const (
	anExpert = "model.layers.1.block_sparse_moe.experts.2.w2.weight"
	aGate    = "model.layers.0.block_sparse_moe.gate.weight"
	aNorm    = "model.layers.1.input_layernorm.weight"
)

func TestOpenRefusesDamagedFiles(t *testing.T) {
	tests := []struct {
		name   string
		spoil  func(t *testing.T, p *parts) []byte
		fault  checkpoint.Fault
		tensor string
		says   string
	}{
		{"empty file", func(*testing.T, *parts) []byte { return nil }, checkpoint.Truncated, "", "a file of 0 bytes"},
		{"truncated data", func(t *testing.T, p *parts) []byte { f := p.file(t); return f[:len(f)-1] }, checkpoint.Truncated,
			"lm_head.weight", "found"},
		{"truncated header", func(t *testing.T, p *parts) []byte { return p.file(t)[:40] }, checkpoint.Truncated, "", "a file of 40 bytes"},
		{"header larger than file", func(t *testing.T, p *parts) []byte {
			f := p.file(t)
			copy(f, "\xff\xff\xff\xff\xff\xff\xff\xff")
			return f
		}, checkpoint.Truncated, "", "a header of 18446744073709551615 bytes"},
		{"bytes after the last tensor", func(t *testing.T, p *parts) []byte { return append(p.file(t), 0) }, checkpoint.Trailing, "", ""},
		{"header is an array", func(t *testing.T, p *parts) []byte { return container([]byte(`[]`), nil) }, checkpoint.BadHeader, "", "object"},
		{"Git LFS pointer", func(*testing.T, *parts) []byte {
			return []byte("version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 1\n")
		}, checkpoint.BadHeader, "", "Git LFS pointer"},
		{"header is cut", func(t *testing.T, p *parts) []byte { return container([]byte(`{"a":`), nil) }, checkpoint.BadHeader, "", ""},
		{"header is empty", func(t *testing.T, p *parts) []byte { return container(nil, nil) }, checkpoint.BadHeader, "", ""},
		{"tensor twice", func(t *testing.T, p *parts) []byte {
			return container([]byte(`{"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]},"a":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}}`), nil)
		}, checkpoint.BadHeader, "", `"a" appears twice`},
		{"overlap", func(t *testing.T, p *parts) []byte {
			x := p.tensors[anExpert]
			x.Offsets = []int64{x.Offsets[0] - 2, x.Offsets[1] - 2}
			return p.file(t)
		}, checkpoint.Overlap, anExpert, "where the tensor before it ends"},
		{"hole", func(t *testing.T, p *parts) []byte { delete(p.tensors, aGate); return p.file(t) }, checkpoint.Hole, "", ""},
		{"offsets backwards", func(t *testing.T, p *parts) []byte {
			slices.Reverse(p.tensors[aGate].Offsets)
			return p.file(t)
		}, checkpoint.BadHeader, aGate, "run backwards"},
		{"negative offset", func(t *testing.T, p *parts) []byte { p.tensors[aGate].Offsets[0] = -1; return p.file(t) }, checkpoint.BadHeader,
			aGate, "non-negative"},
		{"shape and range disagree", func(t *testing.T, p *parts) []byte { p.tensors[aGate].Shape = []int64{4, 33}; return p.file(t) },
			checkpoint.WrongSize, aGate, "bytes for BF16 [4 33]"},
		{"shape overflows", func(t *testing.T, p *parts) []byte {
			p.tensors[aGate].Shape = []int64{1 << 40, 1 << 40}
			return p.file(t)
		}, checkpoint.WrongSize, aGate, "below 2^62"},
		{"wrong dtype", func(t *testing.T, p *parts) []byte { p.tensors[aGate].DType = "I16"; return p.file(t) }, checkpoint.WrongDType,
			aGate, "expected F32, F16 or BF16, found I16"},
		{"unknown dtype", func(t *testing.T, p *parts) []byte { p.tensors[aGate].DType = "Q4_K"; return p.file(t) }, checkpoint.WrongDType,
			aGate, "found Q4_K"},
		{"missing tensor", func(t *testing.T, p *parts) []byte { p.remove(anExpert); return p.file(t) }, checkpoint.Missing, anExpert,
			"expected shape [32 48]"},
		{"extra tensor", func(t *testing.T, p *parts) []byte {
			p.add("model.layers.0.self_attn.q_proj.bias", "BF16", []int64{32}, 64)
			return p.file(t)
		}, checkpoint.Unexpected, "model.layers.0.self_attn.q_proj.bias", "found BF16 [32]"},
		{"wrong shape", func(t *testing.T, p *parts) []byte {
			slices.Reverse(p.tensors[anExpert].Shape)
			return p.file(t)
		}, checkpoint.WrongShape, anExpert, "expected [32 48] from config.json, found [48 32]"},
		{"norm with two dimensions", func(t *testing.T, p *parts) []byte { p.tensors[aNorm].Shape = []int64{1, 32}; return p.file(t) },
			checkpoint.WrongShape, aNorm, "expected [32]"},
	}
	dir := write(t, preset.Options{Config: shape, Seed: 1})
	path := filepath.Join(dir, "model.safetensors")
	good, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			save(t, path, good)
			save(t, path, tt.spoil(t, takeApart(t, path)))
			_, err := checkpoint.Open(dir)
			if checkpoint.FaultOf(err) != tt.fault || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), tt.tensor) {
				t.Errorf("error %v, want fault %q about %q saying %q", err, tt.fault, tt.tensor, tt.says)
			}
		})
	}
}

func TestOpenRefusesWrongDirectories(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(t *testing.T, dir string)
		fault checkpoint.Fault
		says  string
	}{
		{"no config", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "config.json")) }, checkpoint.Unreadable, "config.json"},
		{"huge config", func(t *testing.T, dir string) { os.Truncate(filepath.Join(dir, "config.json"), 1<<21) }, checkpoint.Unreadable,
			"larger than"},
		{"no weights", func(t *testing.T, dir string) { os.Remove(filepath.Join(dir, "model.safetensors")) }, checkpoint.Unreadable,
			"model.safetensors"},
		{"weights are a directory", func(t *testing.T, dir string) {
			os.Remove(filepath.Join(dir, "model.safetensors"))
			os.Mkdir(filepath.Join(dir, "model.safetensors"), 0o755)
		}, checkpoint.Unreadable, "not a regular file"},
		{"config asks for more layers", func(t *testing.T, dir string) {
			editConfig(t, dir, func(m map[string]any) { m["num_hidden_layers"] = 3 })
		}, checkpoint.Missing, "model.layers.2."},
		{"config asks for fewer experts", func(t *testing.T, dir string) {
			editConfig(t, dir, func(m map[string]any) { m["num_local_experts"] = 2 })
		}, checkpoint.WrongShape, aGate},
		{"config that changes the arithmetic", func(t *testing.T, dir string) {
			editConfig(t, dir, func(m map[string]any) { m["rope_scaling"] = map[string]any{"type": "yarn"} })
		}, checkpoint.BadConfig, "rope_scaling"},
		{"tied, but asked not to be", func(t *testing.T, dir string) {
			p := takeApart(t, filepath.Join(dir, "model.safetensors"))
			p.remove("lm_head.weight")
			save(t, filepath.Join(dir, "model.safetensors"), p.file(t))
		}, checkpoint.Missing, "lm_head.weight"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := write(t, preset.Options{Config: shape, Seed: 1})
			tt.spoil(t, dir)
			_, err := checkpoint.Open(dir)
			if checkpoint.FaultOf(err) != tt.fault || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want fault %q saying %q", err, tt.fault, tt.says)
			}
		})
	}
}

func TestOpenRefusesWrongIndexes(t *testing.T) {
	const index = "model.safetensors.index.json"
	tests := []struct {
		name  string
		spoil func(where map[string]string)
		fault checkpoint.Fault
		says  string
	}{
		{"file outside the directory", func(w map[string]string) { w[aGate] = "../secret.safetensors" }, checkpoint.BadIndex, "own directory"},
		{"absolute file", func(w map[string]string) { w[aGate] = "/etc/passwd" }, checkpoint.BadIndex, "own directory"},
		{"file in a folder", func(w map[string]string) { w[aGate] = "a/b.safetensors" }, checkpoint.BadIndex, "own directory"},
		{"the directory itself", func(w map[string]string) { w[aGate] = "." }, checkpoint.BadIndex, "own directory"},
		{"no file name", func(w map[string]string) { w[aGate] = "" }, checkpoint.BadIndex, "expected a file name"},
		{"a file that is not there", func(w map[string]string) { w[aGate] = "gone.safetensors" }, checkpoint.Unreadable, "gone.safetensors"},
		{"tensor not listed", func(w map[string]string) { delete(w, aGate) }, checkpoint.BadIndex, aGate},
		{"tensor that is not there", func(w map[string]string) { w["ghost"] = w[aGate] }, checkpoint.Missing, "ghost"},
		{"tensor listed elsewhere", func(w map[string]string) { w[aGate] = w["lm_head.weight"] }, checkpoint.BadIndex, aGate},
		{"nothing listed", func(w map[string]string) { clear(w) }, checkpoint.BadIndex, "weight_map is empty"},
	}
	dir := write(t, preset.Options{Config: shape, Seed: 1, ShardBytes: 40000})
	raw, err := os.ReadFile(filepath.Join(dir, index))
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var whole struct {
				WeightMap map[string]string `json:"weight_map"`
			}
			if err := json.Unmarshal(raw, &whole); err != nil {
				t.Fatal(err)
			}
			tt.spoil(whole.WeightMap)
			data, _ := json.Marshal(whole)
			save(t, filepath.Join(dir, index), data)
			_, err := checkpoint.Open(dir)
			if checkpoint.FaultOf(err) != tt.fault || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("error %v, want fault %q saying %q", err, tt.fault, tt.says)
			}
		})
	}
	for _, data := range []string{`{}`, `[]`, `{"weight_map":[]}`, `{"weight_map":{"a":1}}`, `{"weight_map":{"a":"f","a":"g"}}`} {
		save(t, filepath.Join(dir, index), []byte(data))
		if _, err := checkpoint.Open(dir); checkpoint.FaultOf(err) != checkpoint.BadIndex {
			t.Errorf("%s: error %v", data, err)
		}
	}
}

func TestOpenRefusesATensorInTwoShards(t *testing.T) {
	dir := write(t, preset.Options{Config: shape, Seed: 1, ShardBytes: 40000})
	first := filepath.Join(dir, "model-00001-of-00003.safetensors")
	p := takeApart(t, first)
	p.add("lm_head.weight", "BF16", []int64{64, 32}, 4096)
	save(t, first, p.file(t))
	_, err := checkpoint.Open(dir)
	if checkpoint.FaultOf(err) != checkpoint.Duplicate || !strings.Contains(err.Error(), "lm_head.weight") {
		t.Errorf("error %v, want a duplicate lm_head.weight", err)
	}
}

func TestSpareTensorsAreIgnored(t *testing.T) {
	c := shape
	c.TieEmbeddings = true
	dir := write(t, preset.Options{Config: c, Seed: 1})
	path := filepath.Join(dir, "model.safetensors")
	p := takeApart(t, path)
	const rotary = "model.layers.0.self_attn.rotary_emb.inv_freq"
	p.add(rotary, "F32", []int64{4}, 16)
	p.add("lm_head.weight", "BF16", []int64{64, 32}, 4096)
	save(t, path, p.file(t))
	k := open(t, dir)
	for _, want := range []string{"tensor " + rotary, "tensor lm_head.weight"} {
		if !slices.Contains(k.IgnoredKeys(), want) {
			t.Errorf("ignored %v, want %q among them", k.IgnoredKeys(), want)
		}
	}
	m, err := k.MapDense()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if &m.Weights.Head.Data[0] != &m.Weights.Embed.Data[0] {
		t.Error("tied head is not the embedding")
	}
}

// The bytes a kernel sees are those of the file, whatever the container.
func TestMapsShowTheFile(t *testing.T) {
	for _, tt := range []struct {
		name  string
		dtype tensor.DType
		shard int64
	}{{"f32", tensor.F32, 0}, {"f16", tensor.F16, 0}, {"bf16", tensor.BF16, 0}, {"sharded", tensor.BF16, 30000}} {
		t.Run(tt.name, func(t *testing.T) {
			cfg := shape
			cfg.DType = tt.dtype
			dir := write(t, preset.Options{Config: cfg, Seed: 3, ShardBytes: tt.shard})
			c := open(t, dir)
			if c.Config().DType != tt.dtype || len(c.Notes()) != 0 || c.Dir() != dir {
				t.Errorf("config %+v, notes %v, dir %s", c.Config(), c.Notes(), c.Dir())
			}
			want := contents(t, dir)
			seen := compareExperts(t, c, want) + compareDense(t, c, want)
			if seen != len(want) {
				t.Errorf("mapped %d tensors, the files hold %d", seen, len(want))
			}
		})
	}
}

// contents reads all tensors of all files without the package's help.
func contents(t *testing.T, dir string) map[string][]byte {
	files, err := filepath.Glob(filepath.Join(dir, "*.safetensors"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	out := map[string][]byte{}
	for _, f := range files {
		p := takeApart(t, f)
		for name, x := range p.tensors {
			out[name] = p.data[x.Offsets[0]:x.Offsets[1]]
		}
	}
	return out
}

func compareExperts(t *testing.T, c *checkpoint.Checkpoint, want map[string][]byte) (seen int) {
	cfg := c.Config()
	for l := range cfg.Layers {
		for e := range cfg.Experts {
			id := moe.ExpertID{Layer: l, Expert: e}
			m, err := c.MapExpert(id)
			if err != nil {
				t.Fatal(err)
			}
			for name, w := range map[string]tensor.Weight{"w1": m.Weights.W1, "w2": m.Weights.W2, "w3": m.Weights.W3} {
				rows, cols := cfg.FFN, cfg.Hidden
				if name == "w2" {
					rows, cols = cols, rows
				}
				key := "model.layers." + string(rune('0'+l)) + ".block_sparse_moe.experts." + string(rune('0'+e)) + "." + name + ".weight"
				compareWeight(t, key, w, rows, cols, want[key])
				seen++
			}
			if m.Bytes() != c.ExpertBytes() {
				t.Errorf("%v: %d bytes mapped, ExpertBytes %d", id, m.Bytes(), c.ExpertBytes())
			}
			if err := m.Close(); err != nil {
				t.Error(err)
			}
		}
	}
	return seen
}

func compareDense(t *testing.T, c *checkpoint.Checkpoint, want map[string][]byte) (seen int) {
	cfg := c.Config()
	m, err := c.MapDense()
	if err != nil {
		t.Fatal(err)
	}
	defer m.Close()
	if m.Bytes() != c.DenseBytes() {
		t.Errorf("%d bytes mapped, DenseBytes %d", m.Bytes(), c.DenseBytes())
	}
	check := func(name string, w tensor.Weight, rows, cols int) {
		compareWeight(t, name, w, rows, cols, want[name])
		seen++
	}
	h, q, kv := cfg.Hidden, cfg.Heads*cfg.HeadDim, cfg.KVHeads*cfg.HeadDim
	check("model.embed_tokens.weight", m.Weights.Embed, cfg.Vocab, h)
	check("model.norm.weight", m.Weights.Norm, 1, h)
	check("lm_head.weight", m.Weights.Head, cfg.Vocab, h)
	for l, w := range m.Weights.Layers {
		p := "model.layers." + string(rune('0'+l)) + "."
		check(p+"input_layernorm.weight", w.InputNorm, 1, h)
		check(p+"post_attention_layernorm.weight", w.PostNorm, 1, h)
		check(p+"self_attn.q_proj.weight", w.Q, q, h)
		check(p+"self_attn.k_proj.weight", w.K, kv, h)
		check(p+"self_attn.v_proj.weight", w.V, kv, h)
		check(p+"self_attn.o_proj.weight", w.O, h, q)
		check(p+"block_sparse_moe.gate.weight", w.Gate, cfg.Experts, h)
	}
	return seen
}

func compareWeight(t *testing.T, name string, w tensor.Weight, rows, cols int, want []byte) {
	t.Helper()
	if w.Rows != rows || w.Cols != cols || len(w.Data) != rows*cols*w.DType.Size() || !bytes.Equal(w.Data, want) {
		t.Errorf("%s: %v [%d %d] of %d bytes differs from the file's %d bytes", name, w.DType, w.Rows, w.Cols, len(w.Data), len(want))
	}
}
