package role

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

// textDir is a directory with the Mistral v1 vocabulary and more files.
func textDir(t *testing.T, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	write := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("tokenizer.model", tokenizer.MistralV1())
	for name, text := range files {
		write(name, []byte(text))
	}
	return dir
}

// padToken adds <pad>, a special token, beside a chat template.
func padToken(template string) string {
	return `{"pad_token": "<pad>", "added_tokens_decoder": {"32000": {"content": "<pad>", "special": true}}, "chat_template": "` + template + `"}`
}

func TestTokenizerAndEmbeddingOfDifferentSizes(t *testing.T) {
	const plain, pads = "{% for m in messages %}{{ m.content }}{% endfor %}", "{% for m in messages %}{{ m.content + pad_token }}{% endfor %}"
	for _, tt := range []struct {
		name   string
		files  map[string]string
		rows   int
		tokens int // that are served
		says   string
	}{
		{"equal", nil, 32000, 32000, ""},
		{"rows of padding", nil, 32064, 32000, ""},
		{"one row of padding", nil, 32001, 32000, ""},
		{"a row less", nil, 31999, 0, "the tokenizer has 32000 tokens, config.json has a vocab_size of 31999: token 31999"},
		{"a padding token without a row", map[string]string{"tokenizer_config.json": padToken(plain)}, 32000, 32000, ""},
		{"a padding token with a row", map[string]string{"tokenizer_config.json": padToken(plain)}, 32001, 32001, ""},
		{"a token of the template without a row", map[string]string{"tokenizer_config.json": padToken(pads)}, 32000, 0, "the chat template writes token 32000"},
		{"a token of texts without a row", map[string]string{"added_tokens.json": `{"<|x|>": 32000}`}, 32000, 0, `token 32000, "<|x|>", is one that texts contain`},
		{"an end in the padding", map[string]string{"generation_config.json": `{"eos_token_id": 32001}`}, 32064, 0, "eos_token_id 32001 is outside the vocabulary of 32000"},
	} {
		dir := textDir(t, tt.files)
		s, err := openTextStack(dir, model.Config{Vocab: tt.rows})
		var bad *ConfigError
		switch {
		case tt.says == "" && (err != nil || s.tokenizer.Vocab() != tt.tokens):
			t.Errorf("%s: %v", tt.name, err)
		case tt.says == "":
			if _, err := s.template.Tokens([]chat.Message{{Role: "user", Content: "hello <pad>"}}, nil); err != nil {
				t.Errorf("%s: %v", tt.name, err)
			}
		case !errors.As(err, &bad) || !strings.Contains(err.Error(), tt.says) || !strings.Contains(err.Error(), dir):
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.says)
		}
	}
}

func TestAllFaultsOfTextFilesAreReported(t *testing.T) {
	dir := textDir(t, map[string]string{"chat_template.jinja": "{% for %}", "generation_config.json": `{"eos_token_id": -1}`})
	_, err := openTextStack(dir, model.Config{Vocab: 32000})
	for _, says := range []string{"chat_template.jinja: the template is not supported", "eos_token_id -1"} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("error %v, want %q", err, says)
		}
	}
}

// TestADigestIsOfWhatTokensDependOn: of the vocabulary, the template, the special tokens
// and the ends of answers, and not of the spaces in JSON.
func TestADigestIsOfWhatTokensDependOn(t *testing.T) {
	digest := func(files map[string]string, eos ...int32) string {
		t.Helper()
		out, err := digestTexts(textDir(t, files), eos)
		if err != nil {
			t.Fatal(err)
		}
		return out
	}
	config := map[string]string{"tokenizer_config.json": `{"a": 1, "chat_template": "x"}`}
	want := digest(config, 2)
	if got := digest(map[string]string{"tokenizer_config.json": `{"chat_template":"x","a":1}`, "README.md": "?"}, 2); got != want {
		t.Errorf("%s, want %s: the files say the same", got, want)
	}
	for name, got := range map[string]string{
		"another template":      digest(map[string]string{"tokenizer_config.json": `{"a": 1, "chat_template": "y"}`}, 2),
		"a template file":       digest(map[string]string{"tokenizer_config.json": config["tokenizer_config.json"], "chat_template.jinja": "x"}, 2),
		"another vocabulary":    digest(map[string]string{"tokenizer_config.json": config["tokenizer_config.json"], "tokenizer.json": "{}"}, 2),
		"another end of answer": digest(config, 2, 3),
		"no configuration":      digest(nil, 2),
	} {
		if got == want {
			t.Errorf("%s has the same digest", name)
		}
	}
}
