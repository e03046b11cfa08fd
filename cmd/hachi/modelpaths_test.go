package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/role"
)

// wrongModels are what people give as a model by mistake: changes to a checkpoint, or
// files in an empty directory; says has the fault, and the way out.
var wrongModels = map[string]struct {
	config string            // members of config.json
	files  map[string]string // "" removes one
	bare   bool              // the files are all that there is
	says   []string
}{
	"AWQ":                                {config: `"quantization_config": {"quant_method": "awq", "bits": 4, "group_size": 128, "zero_point": true, "version": "gemm"}`, says: []string{"AWQ", "hachi model import "}},
	"AWQ of 2023":                        {files: map[string]string{"quant_config.json": `{"zero_point": true, "q_group_size": 128, "w_bit": 4}`}, says: []string{"AWQ", "hachi model import "}},
	"GPTQ":                               {config: `"quantization_config": {"quant_method": "gptq", "bits": 4}`, says: []string{"gptq", "take the original checkpoint"}},
	"GPTQ of 2023":                       {files: map[string]string{"quantize_config.json": `{"bits": 4}`}, says: []string{"gptq", "take the original checkpoint"}},
	"bitsandbytes":                       {config: `"quantization_config": {"quant_method": "bitsandbytes", "load_in_4bit": true}`, says: []string{"bitsandbytes", "take the original checkpoint"}},
	"bitsandbytes of 2023":               {config: `"quantization_config": {"load_in_8bit": true}`, says: []string{"bitsandbytes", "take the original checkpoint"}},
	"fp8":                                {config: `"quantization_config": {"quant_method": "fp8", "activation_scheme": "dynamic"}`, says: []string{"fp8", "take the original checkpoint"}},
	"fbgemm_fp8":                         {config: `"quantization_config": {"quant_method": "fbgemm_fp8"}`, says: []string{"fbgemm_fp8", "take the original checkpoint"}},
	"compressed-tensors":                 {config: `"quantization_config": {"quant_method": "compressed-tensors", "format": "pack-quantized"}`, says: []string{"compressed-tensors", "take the original checkpoint"}},
	"sparse tensors":                     {config: `"compression_config": {"format": "marlin-24"}`, says: []string{"compressed-tensors", "take the original checkpoint"}},
	"ModelOpt":                           {files: map[string]string{"hf_quant_config.json": `{"quantization": {"quant_algo": "NVFP4"}}`}, says: []string{"modelopt", "take the original checkpoint"}},
	"MLX":                                {config: `"quantization": {"group_size": 64, "bits": 4}`, says: []string{"mlx", "take the original checkpoint"}},
	".bin only":                          {files: map[string]string{"model.safetensors": "", "pytorch_model-00001-of-00019.bin": "PK"}, says: []string{"pytorch_model-00001-of-00019.bin", "save_pretrained"}},
	".bin and its index":                 {files: map[string]string{"model.safetensors": "", "pytorch_model.bin": "PK", "pytorch_model.bin.index.json": "{}"}, says: []string{"PyTorch", "save_pretrained"}},
	".pt only":                           {files: map[string]string{"model.safetensors": "", "model.pt": "PK"}, says: []string{"model.pt", "save_pretrained"}},
	".pth of its maker":                  {bare: true, files: map[string]string{"params.json": "{}", "consolidated.00.pth": "PK", "tokenizer.model": "x"}, says: []string{"params.json", "Hugging Face format"}},
	".pth alone":                         {bare: true, files: map[string]string{"consolidated.00.pth": "PK", "tokenizer.model": "x"}, says: []string{"consolidated.00.pth", "Hugging Face format"}},
	"safetensors of its maker":           {files: map[string]string{"model.safetensors": "", "consolidated.safetensors": "x", "params.json": "{}"}, says: []string{"consolidated.safetensors", "Hugging Face format"}},
	"other safetensors":                  {files: map[string]string{"model.safetensors": "", "mixtral.safetensors": "x"}, says: []string{"mixtral.safetensors", "expected model.safetensors"}},
	"pointer to weights":                 {files: map[string]string{"model.safetensors": lfsPointer}, says: []string{"model.safetensors", "git lfs pull"}},
	"pointer to a config":                {files: map[string]string{"config.json": lfsPointer}, says: []string{"config.json", "git lfs pull"}},
	"pointer to a tokenizer":             {files: map[string]string{"tokenizer.model": lfsPointer}, says: []string{"tokenizer.model", "git lfs pull"}},
	"pointer to the JSON of a tokenizer": {files: map[string]string{"tokenizer.json": lfsPointer}, says: []string{"tokenizer.json", "git lfs pull"}},
	"pointer to a shard": {files: map[string]string{"model.safetensors": "", "model-00001-of-00001.safetensors": lfsPointer,
		"model.safetensors.index.json": `{"weight_map": {"a": "model-00001-of-00001.safetensors"}}`}, says: []string{"model-00001-of-00001.safetensors", "git lfs pull"}},
	"a missing shard": {files: map[string]string{"model.safetensors": "", "model-00001-of-00002.safetensors": "x",
		"model.safetensors.index.json": `{"weight_map": {"a": "model-00001-of-00002.safetensors", "b": "model-00002-of-00002.safetensors"}}`}, says: []string{"model-00002-of-00002.safetensors", "1 of the checkpoint's 2 files are missing", "finish the download"}},
	"a missing index":              {files: map[string]string{"model.safetensors": "", "model-00001-of-00002.safetensors": "x"}, says: []string{"model.safetensors.index.json", "finish the download"}},
	"no weights":                   {files: map[string]string{"model.safetensors": ""}, says: []string{"no weights", "download the model again"}},
	"an adapter":                   {bare: true, files: map[string]string{"adapter_config.json": "{}", "adapter_model.safetensors": "x"}, says: []string{"LoRA", "merge_and_unload"}},
	"a pickled adapter":            {bare: true, files: map[string]string{"adapter_config.json": "{}", "adapter_model.bin": "PK"}, says: []string{"LoRA", "merge_and_unload"}},
	"an adapter with a config":     {files: map[string]string{"model.safetensors": "", "adapter_config.json": "{}", "adapter_model.safetensors": "x"}, says: []string{"LoRA", "merge_and_unload"}},
	"a GGUF file only":             {files: map[string]string{"model.safetensors": "", "m.Q4_K_M.gguf": "GGUF"}, says: []string{"hachi model import ", "m.Q4_K_M.gguf DIR"}},
	"a GGUF directory":             {bare: true, files: map[string]string{"m.Q4_K_M.gguf": "GGUF"}, says: []string{"hachi model import ", "m.Q4_K_M.gguf DIR"}},
	"no tokenizer":                 {files: map[string]string{"tokenizer.model": ""}, says: []string{"neither tokenizer.json nor tokenizer.model", "copy them"}},
	"tekken":                       {files: map[string]string{"tokenizer.model": "", "tekken.json": "{}"}, says: []string{"tekken.json", "take tokenizer.json of the Hugging Face form"}},
	"a versioned tokenizer":        {files: map[string]string{"tokenizer.model": "", "tokenizer.model.v3": "x"}, says: []string{"tokenizer.model.v3", "take tokenizer.json of the Hugging Face form"}},
	"a slow tokenizer":             {files: map[string]string{"tokenizer.model": "", "vocab.json": "{}", "merges.txt": "#version: 0.2"}, says: []string{"vocab.json", "take tokenizer.json of the Hugging Face form"}},
	"a template that is not Jinja": {files: map[string]string{"chat_template.jinja": "{% for m in messages %}"}, says: []string{"chat_template.jinja"}},
	"sampling out of range":        {files: map[string]string{"generation_config.json": `{"temperature": -1}`}, says: []string{"temperature", "--generation-config none"}},
}

const lfsPointer = "version https://git-lfs.github.com/spec/v1\noid sha256:0123\nsize 4939900000\n"

// expectRefusal expects one line, of inspect and of up, and that up starts nothing.
func expectRefusal(t *testing.T, model string, says ...string) {
	t.Helper()
	_, cmd, err := execute(t, "model", "inspect", model)
	if lines := explain(cmd, err); !errors.As(err, new(*role.ConfigError)) || len(lines) != 1 {
		t.Fatalf("inspect: error %v, want one line with %q", err, says)
	}
	data := filepath.Join(t.TempDir(), "data")
	status, said := runRole(t, "up", "--model", model, "--data-dir", data, "--listen", "127.0.0.1:1")
	if status != local.ExitConfigError || strings.Count(said, "\n") != 1 {
		t.Errorf("up: exit status %d, said %q, want one line with %q", status, said, says)
	}
	for _, want := range says {
		if !strings.Contains(err.Error(), want) || !strings.Contains(said, want) {
			t.Errorf("inspect says %q\nand up %q, want %q", err, said, want)
		}
	}
	if _, err := os.Stat(data); err == nil {
		t.Error("up started something")
	}
}

// TestWrongModelsAreRefusedInOneLine, with the way out, by inspect and by up.
func TestWrongModelsAreRefusedInOneLine(t *testing.T) {
	for name, tt := range wrongModels {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := t.TempDir()
			if !tt.bare {
				edits := map[string]func(string) string{}
				if tt.config != "" {
					edits["config.json"] = replaced(t, `"hidden_size"`, tt.config+`, "hidden_size"`)
				}
				dir = copied(t, edits)
			}
			for file, text := range tt.files {
				path := filepath.Join(dir, file)
				err := os.Remove(path)
				if text != "" {
					err = os.WriteFile(path, []byte(text), 0o600)
				}
				if err != nil {
					t.Fatal(err)
				}
			}
			expectRefusal(t, dir, tt.says...)
		})
	}
	gguf := filepath.Join(t.TempDir(), "m.gguf")
	if err := os.WriteFile(gguf, []byte("GGUF"), 0o600); err != nil {
		t.Fatal(err)
	}
	for path, says := range map[string][]string{
		"mistralai/Mixtral-8x7B-v0.1":                        {"hf download mistralai/Mixtral-8x7B-v0.1", "then give the directory"},
		"TheBloke/Mixtral-8x7B-Instruct-v0.1-GGUF":           {"hf download TheBloke/Mixtral-8x7B-Instruct-v0.1-GGUF", "then give the directory"},
		"https://huggingface.co/mistralai/Mixtral-8x7B-v0.1": {"hf download mistralai/Mixtral-8x7B-v0.1"},
		"https://example.com/m.tar.gz":                       {"an archive", "then give the directory"},
		gguf:                                                 {"hachi model import " + gguf + " DIR"},
		filepath.Join(tinyDir, "model.safetensors"):          {"give its directory"},
		filepath.Join(tinyDir, "config.json"):                {"give its directory"},
		filepath.Join(t.TempDir(), ""):                       {"an empty directory", "download a model into it"},
		filepath.Join(t.TempDir(), "absent"):                 {"no such directory"},
	} {
		t.Run(path, func(t *testing.T) { expectRefusal(t, path, says...) })
	}
}

// TestFormsOfRightModels are served: what is beside the weights does not matter, and a
// tokenizer and a template may stand in either of two files.
func TestFormsOfRightModels(t *testing.T) {
	for name, tt := range map[string]struct{ dir, says string }{
		"GGUF beside safetensors":    {copied(t, map[string]func(string) string{"m.gguf": becomes("GGUF")}), "an answer ends with [2]"},
		".bin beside safetensors":    {copied(t, map[string]func(string) string{"pytorch_model.bin": becomes("PK")}), "an answer ends with [2]"},
		"an adapter beside a model":  {copied(t, map[string]func(string) string{"adapter_config.json": becomes("{}"), "adapter_model.safetensors": becomes("x")}), "an answer ends with [2]"},
		"tekken beside a tokenizer":  {copied(t, map[string]func(string) string{"tekken.json": becomes("{}")}), "32000 tokens"},
		"a template in its own file": {copied(t, map[string]func(string) string{"chat_template.jinja": becomes("{% for m in messages %}{{ m.content }}{% endfor %}"), "tokenizer_config.json": becomes("")}), "the checkpoint's own"},
		"tokenizer.json only":        {copied(t, map[string]func(string) string{"tokenizer.model": becomes(""), "tokenizer.json": becomes(smallTokenizer())}), "tokenizer    262 tokens"},
		"null for quantization":      {copied(t, map[string]func(string) string{"config.json": replaced(t, `"hidden_size"`, `"quantization_config": null, "hidden_size"`)}), "32000 tokens"},
	} {
		if out, _, err := execute(t, "model", "inspect", tt.dir); err != nil || !strings.Contains(out, tt.says) {
			t.Errorf("%s: %v, %s", name, err, out)
		}
		if err := refuseModel(t.Context(), role.ModelConfig{Dir: tt.dir}, role.GenerationConfigAuto); err != nil {
			t.Errorf("%s: up refuses it: %v", name, err)
		}
	}
}

// smallTokenizer is a whole tokenizer.json, of bytes and few pieces.
func smallTokenizer() string {
	vocab := `"<unk>": 0, "<s>": 1, "</s>": 2`
	for b := range 256 {
		vocab += fmt.Sprintf(`, "<0x%02X>": %d`, b, 3+b)
	}
	return `{"version": "1.0", "truncation": null, "padding": null, "added_tokens": [{"id": 0, "content": "<unk>", "special": true},
		{"id": 1, "content": "<s>", "special": true}, {"id": 2, "content": "</s>", "special": true}], "pre_tokenizer": null, "post_processor": null,
	"normalizer": {"type": "Sequence", "normalizers": [{"type": "Prepend", "prepend": "▁"}, {"type": "Replace", "pattern": {"String": " "}, "content": "▁"}]},
	"decoder": {"type": "Sequence", "decoders": [{"type": "Replace", "pattern": {"String": "▁"}, "content": " "}, {"type": "ByteFallback"},
		{"type": "Fuse"}, {"type": "Strip", "content": " ", "start": 1, "stop": 0}]},
	"model": {"type": "BPE", "dropout": null, "unk_token": "<unk>", "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": true,
		"byte_fallback": true, "vocab": {` + vocab + `, "▁": 259, "a": 260, "▁a": 261}, "merges": ["▁ a"]}}`
}
