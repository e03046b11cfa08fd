package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

const (
	chatGGUF = "../../internal/weights/gguf/testdata/chat.gguf" // made by tools/gguf/fixtures.py
	awqDir   = "../../internal/weights/awq/testdata/group64"
)

// altered is a copy of a file in which a text of the same length is replaced.
func altered(t *testing.T, path, old, replacement string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(data, []byte(old)) || len(old) != len(replacement) {
		t.Fatalf("%s has no %q", path, old)
	}
	out := filepath.Join(t.TempDir(), filepath.Base(path))
	if err := os.WriteFile(out, bytes.Replace(data, []byte(old), []byte(replacement), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestImportedModelSpeaksItsOwnFormat(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "out")
	out, _, err := execute(t, "model", "import", chatGGUF, dir)
	if err != nil || !strings.Contains(out, "note: the embedding has 6 rows of padding") || strings.Contains(out, "no chat template") {
		t.Fatalf("%v: %s", err, out)
	}
	tok, err := tokenizer.Load(dir)
	if err != nil {
		t.Fatal(err)
	}
	template, err := chat.Load(dir, tok)
	if err != nil {
		t.Fatal(err)
	}
	ids, err := template.Tokens([]chat.Message{{Role: "system", Content: "s"}, {Role: "user", Content: "a"}}, nil)
	if err != nil || !slices.Contains(ids, 291) || !slices.Contains(ids, 292) {
		t.Errorf("ids %v, %v: want the tokens 291 and 292 of ChatML", ids, err)
	}
	if out, _, err := execute(t, "model", "inspect", dir); err != nil || !strings.Contains(out, "rows of padding") {
		t.Errorf("inspect: %v: %s", err, out)
	}
}

func TestImportSaysWhichTemplateIsUsed(t *testing.T) {
	const key = "tokenizer.chat_template" // the file has it, and two keys that begin so
	file := chatGGUF
	for i := range 3 {
		file = altered(t, file, key, fmt.Sprintf("%-*s", len(key), fmt.Sprintf("general.%d", i)))
	}
	out, _, err := execute(t, "model", "import", file, filepath.Join(t.TempDir(), "out"))
	if err != nil || !strings.Contains(out, "no chat template: conversations have the plain [INST] format") {
		t.Errorf("%v: %s", err, out)
	}
}

// TestImportRefusesBeforeAnyWork imports what a router would refuse: no directory
// is written.
func TestImportRefusesBeforeAnyWork(t *testing.T) {
	bpe := altered(t, chatGGUF, "\x05\x00\x00\x00\x00\x00\x00\x00llama\x12\x00", "\x05\x00\x00\x00\x00\x00\x00\x00gpt-2\x12\x00")
	for _, tt := range []struct {
		args []string
		says []string
	}{
		{[]string{bpe}, []string{`tokenizer.ggml.model is "gpt-2"`, "--tokenizer DIR"}},
		{[]string{altered(t, chatGGUF, "{% endfor %}{% if", "{% endfur %}{% if")}, []string{"a router would refuse the text files", "the template is not supported"}},
		{[]string{awqDir}, []string{awqDir + " has neither tokenizer.json nor tokenizer.model", "--tokenizer DIR"}},
		{[]string{awqDir, "--tokenizer", t.TempDir()}, []string{"has neither tokenizer.json nor tokenizer.model"}},
		{[]string{awqDir, "--tokenizer", tinyDir}, []string{"the tokenizer has 32000 tokens, config.json has a vocab_size of 72"}},
		{[]string{awqDir, "--tokenizer", filepath.Join(t.TempDir(), "none")}, []string{"no such file or directory"}},
		{[]string{altered(t, chatGGUF, "blk.1.attn_q.weight", "blk.1.attn_q.wright")}, []string{"blk.1.attn_q.weight: missing", "blk.1.attn_q.wright: unexpected"}},
		{[]string{altered(t, chatGGUF, "llama.rope.freq_base", "llama.rope.freq_bass")}, []string{"llama.rope.freq_bass: unknown key"}},
	} {
		dir := filepath.Join(t.TempDir(), "out")
		_, _, err := execute(t, slices.Concat([]string{"model", "import"}, tt.args, []string{dir})...)
		for _, says := range tt.says {
			if err == nil || !strings.Contains(err.Error(), says) {
				t.Errorf("%v: error %v, want %q", tt.args, err, says)
			}
		}
		if err != nil && strings.Contains(err.Error(), "hachi-import-") {
			t.Errorf("%v: the error names a file that is gone: %v", tt.args, err)
		}
		if _, err := os.Lstat(dir); !os.IsNotExist(err) {
			t.Errorf("%v: a directory was written", tt.args)
		}
	}
}

// TestImportTakesTheTokenizerOfAnotherDirectory imports a file whose own
// vocabulary is not read.
func TestImportTakesTheTokenizerOfAnotherDirectory(t *testing.T) {
	words := filepath.Join(t.TempDir(), "words")
	if _, _, err := execute(t, "model", "import", chatGGUF, words); err != nil {
		t.Fatal(err)
	}
	const template = "{% for m in messages %}{{ m.content }}{% endfor %}!"
	if err := os.WriteFile(filepath.Join(words, "chat_template.jinja"), []byte(template), 0o600); err != nil {
		t.Fatal(err)
	}
	bpe := altered(t, chatGGUF, "\x05\x00\x00\x00\x00\x00\x00\x00llama\x12\x00", "\x05\x00\x00\x00\x00\x00\x00\x00gpt-2\x12\x00")
	dir := filepath.Join(t.TempDir(), "out")
	if out, _, err := execute(t, "model", "import", bpe, dir, "--tokenizer", words); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for _, name := range []string{"tokenizer.model", "tokenizer_config.json", "chat_template.jinja", "generation_config.json"} {
		got, err := os.ReadFile(filepath.Join(dir, name))
		want, errWant := os.ReadFile(filepath.Join(words, name))
		if err != nil || errWant != nil || !bytes.Equal(got, want) {
			t.Errorf("%s is not that of the directory: %v, %v", name, err, errWant)
		}
	}
}

// TestSideFilesOfAWQDirectories leaves behind what says how the source was
// quantized: the result is not. --tokenizer leaves the source's text files behind.
func TestSideFilesOfAWQDirectories(t *testing.T) {
	source := t.TempDir()
	if err := os.CopyFS(source, os.DirFS(awqDir)); err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"quant_config.json": `{"zero_point": true, "q_group_size": 64, "w_bit": 4, "version": "GEMM"}`, "tokenizer.json": "{}", "README.md": "x",
	} {
		if err := os.WriteFile(filepath.Join(source, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for words, want := range map[string][]string{"": {"README.md", "config.json", "tokenizer.json", "weights.f32"}, "other": {"README.md", "config.json", "weights.f32"}} {
		m, side, err := (&modelImport{source: source, words: words}).openAWQ(t.TempDir())
		if err != nil {
			t.Fatal(err)
		}
		m.Close()
		var names []string
		for _, path := range side {
			names = append(names, filepath.Base(path))
		}
		if slices.Sort(names); !slices.Equal(names, want) {
			t.Errorf("--tokenizer %q: side files %v, want %v", words, names, want)
		}
		if data, err := os.ReadFile(side[len(side)-1]); err != nil || bytes.Contains(data, []byte("quantization_config")) {
			t.Errorf("config.json has a quantization: %s, %v", data, err)
		}
	}
}
