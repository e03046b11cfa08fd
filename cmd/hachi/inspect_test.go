package main

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/role"
)

// copied is a copy of tinyDir in which files were changed; an empty text removes
// a file.
func copied(t *testing.T, files map[string]func(text string) string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(tinyDir)); err != nil {
		t.Fatal(err)
	}
	for name, change := range files {
		path := filepath.Join(dir, name)
		data, err := os.ReadFile(path)
		if err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		text := change(string(data))
		if err := os.Remove(path); err != nil && !os.IsNotExist(err) {
			t.Fatal(err)
		}
		if text == "" {
			continue
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func replaced(t *testing.T, old, replacement string) func(string) string {
	return func(text string) string {
		if !strings.Contains(text, old) {
			t.Fatalf("the file has no %q", old)
		}
		return strings.Replace(text, old, replacement, 1)
	}
}

// notANumber makes an element in the middle of a tensor NaN.
func notANumber(t *testing.T, tensor string) func(string) string {
	return func(file string) string {
		header := 8 + int(binary.LittleEndian.Uint64([]byte(file)))
		var tensors map[string]struct {
			Offsets [2]int `json:"data_offsets"`
		}
		if err := json.Unmarshal([]byte(file[8:header]), &tensors); err != nil || tensors[tensor].Offsets[1] == 0 {
			t.Fatal(err, tensors)
		}
		at := header + (tensors[tensor].Offsets[0]+tensors[tensor].Offsets[1])/8*4
		return file[:at] + "\x00\x00\xc0\x7f" + file[at+4:]
	}
}

func becomes(text string) func(string) string { return func(string) string { return text } }

// TestInspectSaysWhyARouterRefuses changes one file at a time.
func TestInspectSaysWhyARouterRefuses(t *testing.T) {
	const weights = "model.safetensors"
	type edits = map[string]func(string) string
	for name, tt := range map[string]struct {
		edits edits
		says  []string
	}{
		"no tokenizer":        {edits{"tokenizer.model": becomes("")}, []string{"has neither tokenizer.json nor tokenizer.model"}},
		"another tokenizer":   {edits{"tokenizer.json": becomes(`{"model": {"type": "WordPiece"}}`)}, []string{"tokenizer.json"}},
		"a damaged tokenizer": {edits{"tokenizer.model": becomes("x")}, []string{"tokenizer.model: damaged"}},
		"a larger tokenizer":  {edits{"added_tokens.json": becomes(`{"<|x|>": 32000}`), "tokenizer_config.json": becomes("{}")}, []string{"the tokenizer has 32001 tokens, config.json has a vocab_size of 32000"}},
		"a template":          {edits{"chat_template.jinja": becomes("{% for m in messages %}")}, []string{"chat_template.jinja: the template is not supported"}},
		"a template of calls": {edits{"chat_template.jinja": becomes("{{ frobnicate(messages) }}")}, []string{"chat_template.jinja"}},
		"an end outside":      {edits{"generation_config.json": becomes(`{"eos_token_id": [2, 32000]}`)}, []string{"generation_config.json: eos_token_id 32000 is outside the vocabulary of 32000"}},
		"an end that is text": {edits{"generation_config.json": becomes(`{"eos_token_id": "</s>"}`)}, []string{"generation_config.json"}},
		"a range":             {edits{"generation_config.json": becomes(`{"temperature": -1}`)}, []string{"generation_config.json", "temperature", "--generation-config none"}},
		"two ranges":          {edits{"generation_config.json": becomes(`{"top_p": 7, "repetition_penalty": -2}`)}, []string{"generation_config.json", "top_p"}},
		"a number in quotes":  {edits{"generation_config.json": becomes(`{"top_k": "40"}`)}, []string{"generation_config.json", "--generation-config none"}},
		"no JSON":             {edits{"generation_config.json": becomes(`{`)}, []string{"generation_config.json"}},
		"not a number":        {edits{weights: notANumber(t, "model.norm.weight")}, []string{"tensor model.norm.weight", "expected finite numbers"}},
		"an unknown key":      {edits{"config.json": replaced(t, `"hidden_size"`, `"attention_multiplier": 2, "hidden_size"`)}, []string{"attention_multiplier: unknown key"}},
		"two unknown keys":    {edits{"config.json": replaced(t, `"hidden_size"`, `"clip_qkv": 2, "logit_scale": 2, "hidden_size"`)}, []string{"clip_qkv: unknown key", "logit_scale: unknown key"}},
		"scaled rotary":       {edits{"config.json": replaced(t, `"hidden_size"`, `"rope_scaling": {"type": "yarn", "factor": 2}, "hidden_size"`)}, []string{"rope_scaling: scaled rotary embedding is not implemented"}},
		"a bias":              {edits{"config.json": replaced(t, `"hidden_size"`, `"attention_bias": true, "hidden_size"`)}, []string{"attention_bias: found true, expected false"}},
		"GPTQ":                {edits{"config.json": replaced(t, `"hidden_size"`, `"quantization_config": {"quant_method": "gptq"}, "hidden_size"`)}, []string{"weights quantized by gptq, which hachi does not read"}},
		"AWQ":                 {edits{"config.json": replaced(t, `"hidden_size"`, `"quantization_config": {"quant_method": "awq"}, "hidden_size"`)}, []string{"hachi model import"}},
		"a missing tensor":    {edits{weights: replaced(t, `"model.norm.weight"`, `"model.norm.weighs"`)}, []string{"tensor model.norm.weight: missing tensor", "tensor model.norm.weighs: unexpected tensor"}},
		"a wrong type":        {edits{weights: replaced(t, `"model.norm.weight":{"dtype":"F32"`, `"model.norm.weight":{"dtype":"I32"`)}, []string{"tensor model.norm.weight: wrong dtype"}},
		"a wrong shape":       {edits{"config.json": replaced(t, `"vocab_size": 32000`, `"vocab_size": 32001`)}, []string{"tensor model.embed_tokens.weight: wrong shape", "tensor lm_head.weight: wrong shape"}},
		"cut off":             {edits{weights: func(text string) string { return text[:len(text)/2] }}, []string{"truncated"}},
		"all at once": {edits{
			"config.json": replaced(t, `"hidden_size"`, `"logit_scale": 2, "hidden_size"`), weights: func(text string) string { return text[:len(text)/2] },
			"chat_template.jinja": becomes("{% for %}"),
		}, []string{"logit_scale: unknown key", "truncated", "chat_template.jinja: the template is not supported"}},
		"weights and ends at once": {edits{
			weights: replaced(t, `"model.norm.weight"`, `"model.norm.weighs"`), "tokenizer.model": becomes("x"), "generation_config.json": becomes(`{"eos_token_id": 99999}`),
		}, []string{"model.norm.weight: missing", "tokenizer.model: damaged", "eos_token_id 99999"}},
	} {
		dir := copied(t, tt.edits)
		_, _, err := execute(t, "model", "inspect", dir)
		out, _, errJSON := execute(t, "model", "inspect", "--json", dir)
		var report struct{ Faults []string }
		if errDecode := json.Unmarshal([]byte(out), &report); errDecode != nil {
			t.Errorf("%s: %v in %s", name, errDecode, out)
		}
		for _, says := range tt.says {
			if !errors.As(err, new(*role.ConfigError)) || !strings.Contains(err.Error(), says) || errJSON == nil {
				t.Errorf("%s: error %v, want %q", name, err, says)
			}
			if all := strings.Join(report.Faults, "\n"); !strings.Contains(all, says) {
				t.Errorf("%s: faults %q in JSON, want %q", name, all, says)
			}
		}
	}
}

func TestInspectDescribesText(t *testing.T) {
	stated := copied(t, map[string]func(string) string{"generation_config.json": becomes(`{"temperature": 0.7, "top_p": 0.9, "top_k": 40, "do_sample": true}`)})
	noTemplate := copied(t, map[string]func(string) string{"tokenizer_config.json": becomes("")})
	for dir, want := range map[string][]string{
		tinyDir: {"tokenizer    32000 tokens; an answer ends with [2]\n", "template     the checkpoint's own\n",
			"sampling     temperature 1, top_p 1, top_k 0, min_p 0, repetition_penalty 1, unless a request says otherwise\n"},
		stated:     {"sampling     temperature 0.7, top_p 0.9, top_k 40, min_p 0, repetition_penalty 1, unless"},
		noTemplate: {"template     none, the plain [INST] format\n", "note         no chat template: conversations have the plain [INST] format"},
	} {
		out, _, err := execute(t, "model", "inspect", dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, line := range want {
			if !strings.Contains(out, line) {
				t.Errorf("%q is missing in\n%s", line, out)
			}
		}
	}
	out, _, err := execute(t, "model", "inspect", "--json", tinyDir)
	var report struct {
		Layers int
		Faults []string
		Text   struct {
			Tokens       int
			ChatTemplate bool `json:"chat_template"`
		}
	}
	if err := errors.Join(err, json.NewDecoder(bytes.NewReader([]byte(out))).Decode(&report)); err != nil {
		t.Fatal(err)
	}
	if report.Layers == 0 || report.Faults == nil || len(report.Faults) > 0 || report.Text.Tokens != 32000 || !report.Text.ChatTemplate {
		t.Errorf("report %+v of %s", report, out)
	}
}

// TestInspectOfNoCheckpoint ends in the one line of the diagnosis.
func TestInspectOfNoCheckpoint(t *testing.T) {
	for path, says := range map[string]string{chatGGUF: "hachi model import", "mistralai/Mixtral-8x7B-v0.1": "hf download", t.TempDir(): "an empty directory"} {
		_, cmd, err := execute(t, "model", "inspect", path)
		if lines := explain(cmd, err); err == nil || len(lines) != 1 || !strings.Contains(lines[0], says) {
			t.Errorf("%s: error %v, want one line with %q", path, err, says)
		}
	}
}

// TestInspectReadsWhatARouterReads: weights that a disk changed behind the manifest are
// refused without --verify too.
func TestInspectReadsWhatARouterReads(t *testing.T) {
	dir := copied(t, nil)
	if _, _, err := execute(t, "model", "inspect", "--verify", dir); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "model.safetensors")
	info, errInfo := os.Stat(path)
	data, errRead := os.ReadFile(path)
	if err := errors.Join(errInfo, errRead); err != nil {
		t.Fatal(err)
	}
	changed := notANumber(t, "model.embed_tokens.weight")(string(data))
	if err := errors.Join(os.WriteFile(path, []byte(changed), 0o600), os.Chtimes(path, time.Time{}, info.ModTime())); err != nil {
		t.Fatal(err)
	}
	if _, _, err := execute(t, "model", "inspect", dir); !errors.As(err, new(*role.ConfigError)) || !strings.Contains(err.Error(), "model.embed_tokens.weight") {
		t.Errorf("error %v", err)
	}
}
