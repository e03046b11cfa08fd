package gguf

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

// chatFile was written by tools/gguf/fixtures.py: 291 and 292 are the tokens of
// ChatML, 293 is a token that texts may contain, 294 to 299 are padding.
const chatFile = "testdata/chat.gguf"

// texts writes the side files of an edited copy of chatFile, and opens them as a
// router does.
func texts(t *testing.T, edit func(meta map[string]any)) (dir string, tok *tokenizer.Tokenizer, template *chat.Template, err error) {
	t.Helper()
	f := openFile(t, chatFile)
	if edit != nil {
		edit(f.header.meta)
	}
	dir = t.TempDir()
	if _, err = f.WriteSideFiles(dir); err != nil {
		return dir, nil, nil, err
	}
	if tok, err = tokenizer.Load(dir); err != nil {
		return dir, nil, nil, err
	}
	template, err = chat.Load(dir, tok)
	return dir, tok, template, err
}

func mustTexts(t *testing.T, edit func(meta map[string]any)) (string, *tokenizer.Tokenizer, *chat.Template) {
	t.Helper()
	dir, tok, template, err := texts(t, edit)
	if err != nil {
		t.Fatal(err)
	}
	return dir, tok, template
}

func readJSON(t *testing.T, dir, name string) map[string]any {
	t.Helper()
	data, err := os.ReadFile(filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	var out map[string]any
	if err := json.Unmarshal(data, &out); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestConversationsHaveTheTemplateOfTheFile(t *testing.T) {
	_, tok, template := mustTexts(t, nil)
	ids, err := template.Tokens([]chat.Message{{Role: "system", Content: "s"}, {Role: "user", Content: "a"}}, nil)
	if err != nil {
		t.Fatal(err)
	}
	var want []int32
	for _, text := range []string{"system\ns", "user\na"} {
		want = append(append(append(append(want, 291), tok.Encode(text)...), 292), tok.Encode("\n")...)
	}
	if want = append(append(want, 291), tok.Encode("assistant\n")...); !slices.Equal(ids, want) {
		t.Errorf("ids %v, want %v", ids, want)
	}
}

func TestTokensOfTheFileComeAlong(t *testing.T) {
	dir, tok, _ := mustTexts(t, nil)
	if tok.Vocab() != 294 {
		t.Errorf("%d tokens, want 294 without the padding", tok.Vocab())
	}
	// No BOS, no space in front, and a token that texts contain.
	for text, want := range map[string][]int32{"user": {290}, " user": {288}, "a<|note|>b": {260, 293, 261}} {
		if got := tok.Prompt(text); !slices.Equal(got, want) {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
	if got := tok.Prompt("<|im_end|>"); slices.Contains(got, 292) {
		t.Errorf("a text became a control token: %v", got)
	}
	got := readJSON(t, dir, "generation_config.json")
	want := map[string]any{"bos_token_id": 1.0, "eos_token_id": []any{2.0, 292.0}, "do_sample": true, "temperature": 0.7, "top_k": 40.0}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("generation_config.json is %v, want %v", got, want)
	}
	config := readJSON(t, dir, "tokenizer_config.json")
	for key, want := range map[string]any{
		"bos_token": "<s>", "eos_token": "</s>", "unk_token": "<unk>", "pad_token": "</s>", "add_bos_token": false, "add_eos_token": false, "add_prefix_space": false,
	} {
		if config[key] != want {
			t.Errorf("%s is %v, want %v", key, config[key], want)
		}
	}
	if list, _ := config["chat_template"].([]any); len(list) != 2 {
		t.Errorf("chat_template is %v, want two named templates", config["chat_template"])
	}
}

func TestSettingsOfTheTokenizer(t *testing.T) {
	const model = "tokenizer.ggml."
	for _, tt := range []struct {
		set  map[string]any
		text string
		want []int32
	}{
		{map[string]any{model + "add_bos_token": true}, "user", []int32{1, 290}},
		{map[string]any{model + "add_bos_token": true, model + "add_eos_token": true}, "user", []int32{1, 290, 2}},
		{map[string]any{model + "add_bos_token": true, model + "bos_token_id": uint64(291)}, "user", []int32{291, 290}},
		{map[string]any{model + "add_space_prefix": true}, "user", []int32{288}},
		{map[string]any{model + "add_space_prefix": true}, "a<|note|>user", []int32{286, 293, 288}},
		{map[string]any{model + "add_bos_token": nil, model + "add_eos_token": nil, model + "add_space_prefix": nil}, "user", []int32{1, 288}},
	} {
		_, tok, _ := mustTexts(t, func(meta map[string]any) {
			for key, value := range tt.set {
				if meta[key] = value; value == nil {
					delete(meta, key)
				}
			}
		})
		if got := tok.Prompt(tt.text); !slices.Equal(got, tt.want) {
			t.Errorf("%v: %q is %v, want %v", tt.set, tt.text, got, tt.want)
		}
	}
}

func TestEndsOfTurns(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(meta map[string]any)
		want any
	}{
		{"by its key", func(m map[string]any) { rename(m, 292, "<|stop|>") }, []any{2.0, 292.0}},
		{"by its name", func(m map[string]any) { delete(m, "tokenizer.ggml.eot_token_id") }, []any{2.0, 292.0}},
		{"two keys", func(m map[string]any) { m["tokenizer.ggml.eom_token_id"] = uint64(293) }, []any{2.0, 292.0, 293.0}},
		{"none", func(m map[string]any) { rename(m, 292, "<|stop|>"); delete(m, "tokenizer.ggml.eot_token_id") }, 2.0},
		{"the end of the text itself", func(m map[string]any) { m["tokenizer.ggml.eos_token_id"] = uint64(292) }, 2.0},
	} {
		dir, _, _ := mustTexts(t, tt.edit)
		if got := readJSON(t, dir, "generation_config.json")["eos_token_id"]; !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: eos_token_id %v, want %v", tt.name, got, tt.want)
		}
	}
}

// rename gives a token another text.
func rename(meta map[string]any, id int, text string) {
	tokens := slices.Clone(meta["tokenizer.ggml.tokens"].([]any))
	tokens[id] = text
	meta["tokenizer.ggml.tokens"] = tokens
	source := meta[templateKey].(string)
	meta[templateKey] = strings.ReplaceAll(source, "<|im_end|>", text)
}

func TestChatTemplates(t *testing.T) {
	for _, tt := range []struct {
		name string
		edit func(meta map[string]any)
		want any // of tokenizer_config.json
	}{
		{"one", func(m map[string]any) { delete(m, namedTemplateKey+"tool_use"); m[templateKey] = "x" }, "x"},
		{"none", func(m map[string]any) { delete(m, namedTemplateKey+"tool_use"); delete(m, templateKey) }, nil},
		{"an empty one", func(m map[string]any) { delete(m, namedTemplateKey+"tool_use"); m[templateKey] = "" }, nil},
		{"a default by name", func(m map[string]any) { delete(m, templateKey); m[namedTemplateKey+"default"] = "y" },
			[]any{map[string]any{"name": "default", "template": "y"}, map[string]any{"name": "tool_use", "template": "{{ tools }}"}}},
	} {
		f := openFile(t, chatFile)
		tt.edit(f.header.meta)
		dir := t.TempDir()
		if _, err := f.WriteSideFiles(dir); err != nil {
			t.Fatal(err)
		}
		if got := readJSON(t, dir, "tokenizer_config.json")["chat_template"]; !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: chat_template %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestTokenizersThatAreNotReadAreRefused(t *testing.T) {
	const ggml = "tokenizer.ggml."
	for _, tt := range []struct {
		key   string
		value any
		says  string
	}{
		{ggml + "model", "gpt2", `tokenizer.ggml.model is "gpt2" (byte-level byte-pair encoding)`},
		{ggml + "model", "bert", "WordPiece"}, {ggml + "model", "t5", "Unigram"}, {ggml + "model", "rwkv", "--tokenizer DIR"},
		{ggml + "model", "no_vocab", "none"}, {ggml + "model", uint64(1), `is ""`},
		{ggml + "remove_extra_whitespaces", true, "found true"}, {ggml + "add_sep_token", true, "found true"},
		{ggml + "escape_whitespaces", false, "found false"}, {ggml + "normalizer.lowercase", true, "found true"},
		{ggml + "precompiled_charsmap", []any{uint64(1)}, "does not map characters"},
		{ggml + "suppress_tokens", []any{uint64(1)}, "unknown key"}, {ggml + "token_type_count", uint64(2), "unknown key"},
		{"tokenizer.rwkv.world", "x", "unknown key"}, {"tokenizer.anything", true, "--ignore-key tokenizer.anything"},
		{ggml + "add_bos_token", "yes", "expected true or false"}, {ggml + "bos_token_id", uint64(294), "expected a token of the 294"},
		{ggml + "eot_token_id", uint64(299), "expected a token of the 294"}, {ggml + "padding_token_id", "x", "expected a whole number"},
		{ggml + "tokens", []any{"<unk>"}, "found 1 tokens, 300 scores"}, {ggml + "scores", nil, "0 scores"}, {ggml + "token_type", []any{}, "0 types"},
		{templateKey, "{% for %}", "the template is not supported"}, {templateKey, uint64(1), "expected a text"},
		{ggml + "unknown_token_id", uint64(999), "unknown_token_id: found 999"},
	} {
		_, _, _, err := texts(t, func(meta map[string]any) {
			if meta[tt.key] = tt.value; tt.value == nil {
				delete(meta, tt.key)
			}
		})
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s = %s: error %v, want %q", tt.key, excerpt(tt.value), err, tt.says)
		}
	}
}

func TestDamagedTokensAreNamed(t *testing.T) {
	for _, tt := range []struct {
		list  string
		value any
		says  string
	}{
		{"tokens", uint64(1), "token 7: text 1"}, {"scores", "x", `token 7: text "<0x04>", score "x"`}, {"token_type", int64(9), "type 9"}, {"token_type", int64(0), "type 0"},
		{"tokens", "</s>", "is piece 2 already"}, {"tokens", "", "has 0 bytes"},
	} {
		_, _, _, err := texts(t, func(meta map[string]any) {
			list := slices.Clone(meta["tokenizer.ggml."+tt.list].([]any))
			list[7] = tt.value
			meta["tokenizer.ggml."+tt.list] = list
		})
		if err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v: error %v, want %q", tt.list, tt.value, err, tt.says)
		}
	}
}

func TestUnusedTokensInTheMiddleAreNoText(t *testing.T) {
	_, tok, _ := mustTexts(t, func(meta map[string]any) {
		types := slices.Clone(meta["tokenizer.ggml.token_type"].([]any))
		types[290] = int64(unused) // "user"
		meta["tokenizer.ggml.token_type"] = types
	})
	if got := tok.Encode("user"); slices.Contains(got, 290) {
		t.Errorf("an unused token is in %v", got)
	}
}

func TestConfigurationWithoutAVocabulary(t *testing.T) {
	f, err := openEdited(t, func(h *header) { h.meta["tokenizer.ggml.model"] = "gpt2" })
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	paths, err := f.WriteConfig(dir)
	if err != nil || fmt.Sprint(paths) != fmt.Sprint([]string{filepath.Join(dir, "config.json"), filepath.Join(dir, "generation_config.json")}) {
		t.Errorf("wrote %v, %v", paths, err)
	}
}

// FuzzVocabulary reads vocabularies of changed files: they are refused, or what is
// written is a tokenizer or is refused by the reader of tokenizers.
func FuzzVocabulary(f *testing.F) {
	raw, err := os.ReadFile(chatFile)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(uint32(0), byte(0))
	f.Add(uint32(900), byte(0xff))
	f.Fuzz(func(t *testing.T, at uint32, flip byte) {
		b := slices.Clone(raw)
		b[int(at)%len(b)] ^= flip
		h, err := parse(b)
		if err != nil {
			return
		}
		v, err := readVocabulary(h.meta, nil)
		if err != nil {
			return
		}
		if _, err := json.Marshal(v.config(8)); err != nil {
			t.Error(err)
		}
		if len(v.pieces) == 0 || len(v.sentencePieces()) == 0 {
			t.Error("an empty vocabulary was accepted")
		}
	})
}
