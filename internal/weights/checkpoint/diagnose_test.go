package checkpoint_test

import (
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/preset"
)

const lfsPointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 4939900000\n"

// put writes files, with their directories, and returns their root.
func put(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range files {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		save(t, path, []byte(text))
	}
	return dir
}

// TestWrongPathsSayTheWayOut: what people give as a model by mistake ends in one
// line that names the next step.
func TestWrongPathsSayTheWayOut(t *testing.T) {
	for name, tt := range map[string]struct {
		files map[string]string
		path  string // below the directory of files, unless it begins with "="
		says  []string
	}{
		"hub name":            {nil, "=mistralai/Mixtral-8x7B-v0.1", []string{"hf download mistralai/Mixtral-8x7B-v0.1 --local-dir Mixtral-8x7B-v0.1", "give the directory"}},
		"hub URL":             {nil, "=https://huggingface.co/mistralai/Mixtral-8x7B-v0.1/tree/main", []string{"hf download mistralai/Mixtral-8x7B-v0.1"}},
		"other URL":           {nil, "=https://example.com/model.tar", []string{"a URL", "download the model"}},
		"home directory":      {nil, "=~/models/m", []string{"~"}},
		"missing":             {nil, "nothing/here", []string{"no such directory"}},
		"below a file":        {map[string]string{"f": ""}, "f/model", []string{"no such directory"}},
		"empty":               {nil, "", []string{"empty directory"}},
		"GGUF file":           {map[string]string{"m.gguf": "GGUF\x03"}, "m.gguf", []string{"hachi model import ", "m.gguf DIR"}},
		"GGUF without suffix": {map[string]string{"blob": "GGUF\x03"}, "blob", []string{"a GGUF file", "hachi model import "}},
		"GGUF directory":      {map[string]string{"m.Q4_K_M.gguf": "GGUF"}, "", []string{"hachi model import ", "m.Q4_K_M.gguf DIR"}},
		"GGUF and config":     {map[string]string{"m.gguf": "GGUF", "config.json": "{}"}, "", []string{"hachi model import "}},
		"safetensors file":    {map[string]string{"model.safetensors": "x"}, "model.safetensors", []string{"give its directory"}},
		"config file":         {map[string]string{"config.json": "{}"}, "config.json", []string{"give its directory"}},
		"pickled file":        {map[string]string{"pytorch_model.bin": "PK"}, "pytorch_model.bin", []string{"safetensors only", "save_pretrained"}},
		"archive":             {map[string]string{"m.tar.gz": ""}, "m.tar.gz", []string{"unpack"}},
		"any file":            {map[string]string{"notes": "x"}, "notes", []string{"give the directory"}},
		"pointer to a file":   {map[string]string{"m": lfsPointer}, "m", []string{"git lfs pull"}},
		"pickled weights":     {map[string]string{"config.json": "{}", "pytorch_model-00001-of-00019.bin": "PK"}, "", []string{"pytorch_model-00001-of-00019.bin", "save_pretrained"}},
		"TensorFlow":          {map[string]string{"config.json": "{}", "tf_model.h5": ""}, "", []string{"TensorFlow", "save_pretrained"}},
		"hub cache":           {map[string]string{"snapshots/abc/config.json": "{}", "blobs/1": ""}, "", []string{"snapshot", "snapshots/abc"}},
		"one level too high":  {map[string]string{"m/config.json": "{}"}, "", []string{"give ", "/m"}},
		"adapter":             {map[string]string{"adapter_config.json": "{}"}, "", []string{"adapter", "merge"}},
		"maker's format":      {map[string]string{"params.json": "{}", "consolidated.00.pth": ""}, "", []string{"params.json", "Hugging Face format"}},
		"pointer as config":   {map[string]string{"config.json": lfsPointer}, "", []string{"git lfs pull"}},
		"no config":           {map[string]string{"model.safetensors": "x"}, "", []string{"config.json", "no such file"}},
	} {
		t.Run(name, func(t *testing.T) {
			path, given := strings.CutPrefix(tt.path, "=")
			if !given {
				path = filepath.Join(put(t, tt.files), tt.path)
			}
			_, err := checkpoint.Open(path)
			expectOneLine(t, err, append(tt.says, path)...)
		})
	}
}

func expectOneLine(t *testing.T, err error, says ...string) {
	t.Helper()
	if err == nil {
		t.Fatal("the checkpoint opens")
	}
	for _, want := range says {
		if text := err.Error(); !strings.Contains(text, want) || strings.Contains(text, "\n") {
			t.Errorf("error %q, want one line with %q", text, want)
		}
	}
}

// TestForeignWeightsSayTheWayOut: a checkpoint whose weights are in another
// format, quantized or not downloaded.
func TestForeignWeightsSayTheWayOut(t *testing.T) {
	quantized := func(method string) map[string]any {
		return map[string]any{"quantization_config": map[string]any{"quant_method": method, "bits": 4, "group_size": 128}}
	}
	notRead := "which hachi does not read"
	for name, tt := range map[string]struct {
		config map[string]any
		files  map[string]string // "" removes one
		says   []string
	}{
		"AWQ":                    {quantized("awq"), nil, []string{"AWQ", "hachi model import "}},
		"AWQ in capitals":        {quantized("AWQ"), nil, []string{"hachi model import "}},
		"AWQ of 2023":            {nil, map[string]string{"quant_config.json": `{"w_bit": 4}`}, []string{"hachi model import "}},
		"GPTQ":                   {quantized("gptq"), nil, []string{"gptq", notRead, "hachi model quantize"}},
		"GPTQ of 2023":           {nil, map[string]string{"quantize_config.json": `{"bits": 4}`}, []string{"gptq", notRead}},
		"bitsandbytes":           {quantized("bitsandbytes"), nil, []string{"bitsandbytes", notRead}},
		"bitsandbytes, unnamed":  {map[string]any{"quantization_config": map[string]any{"load_in_4bit": true}}, nil, []string{"bitsandbytes", notRead}},
		"fp8":                    {quantized("fp8"), nil, []string{"fp8", notRead}},
		"compressed-tensors":     {quantized("compressed-tensors"), nil, []string{"compressed-tensors", notRead}},
		"compression_config":     {map[string]any{"compression_config": map[string]any{"format": "int-quantized"}}, nil, []string{"compressed-tensors", notRead}},
		"HQQ":                    {quantized("hqq"), nil, []string{"hqq", notRead}},
		"no name of a method":    {map[string]any{"quantization_config": map[string]any{"bits": 4}}, nil, []string{notRead}},
		"pointer to the weights": {nil, map[string]string{"model.safetensors": lfsPointer}, []string{"Git LFS pointer", "git lfs pull"}},
		"pointer to a shard": {nil, map[string]string{
			"model.safetensors": "", "a.safetensors": lfsPointer, "model.safetensors.index.json": `{"weight_map":{"x":"a.safetensors"}}`,
		}, []string{"a.safetensors", "git lfs pull"}},
		"half a download": {nil, map[string]string{
			"model.safetensors": "", "a.safetensors": "x", "model.safetensors.index.json": `{"weight_map":{"x":"a.safetensors","y":"b.safetensors","z":"c.safetensors"}}`,
		}, []string{"b.safetensors", "2 of the checkpoint's 3 files are missing", "finish the download"}},
		"no weights": {nil, map[string]string{"model.safetensors": ""}, []string{"model.safetensors", "no weights", "download the model again"}},
	} {
		t.Run(name, func(t *testing.T) {
			dir := write(t, preset.Options{Config: shape, Seed: 1})
			editConfig(t, dir, func(m map[string]any) { maps.Copy(m, tt.config) })
			for file, text := range tt.files {
				path := filepath.Join(dir, file)
				if text == "" {
					if err := os.Remove(path); err != nil {
						t.Fatal(err)
					}
					continue
				}
				save(t, path, []byte(text))
			}
			_, err := checkpoint.Open(dir)
			expectOneLine(t, err, append(tt.says, dir)...)
		})
	}
}

func TestRightCheckpointsPassTheDiagnosis(t *testing.T) {
	dir := write(t, preset.Options{Config: shape, Seed: 1, ShardBytes: 40000})
	editConfig(t, dir, func(m map[string]any) { m["quantization_config"] = nil })
	open(t, dir)
}
