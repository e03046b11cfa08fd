package tokenizer

import (
	"encoding/json"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestMistralV1(t *testing.T) {
	tok := mistral(t)
	if tok.Vocab() != 32000 || tok.BOS() != 1 || tok.EOS() != 2 {
		t.Fatalf("vocab %d, bos %d, eos %d", tok.Vocab(), tok.BOS(), tok.EOS())
	}
	if got := tok.Specials(); !maps.Equal(got, map[string]string{"bos_token": "<s>", "eos_token": "</s>"}) {
		t.Errorf("specials %v", got)
	}
}

// Both files are there in most checkpoints; the two need not agree.
func TestJSONWins(t *testing.T) {
	tok := mustOpen(t, map[string]string{modelFile: string(MistralV1()), jsonFile: convert().file(t, "never", nil)})
	same(t, "both files", "hello", tok.Encode("hello"), []int32{21558})
	if _, err := open(t, map[string]string{modelFile: string(MistralV1()), jsonFile: "{"}); err == nil {
		t.Error("a damaged tokenizer.json was passed over")
	}
	if _, err := open(t, nil); err == nil || !strings.Contains(err.Error(), "neither tokenizer.json nor tokenizer.model") {
		t.Errorf("an empty directory: %v", err)
	}
}

func TestConfigurationChoosesThePrefix(t *testing.T) {
	g := readGoldens(t)
	for config, form := range map[string]string{
		`{}`: "legacy", `{"legacy": true}`: "legacy", `{"legacy": null}`: "legacy", `{"legacy": false}`: "first", `{"legacy": false, "add_prefix_space": false}`: "never",
	} {
		tok := mustOpen(t, map[string]string{modelFile: string(MistralV1()), configFile: config})
		for _, e := range g.Texts {
			same(t, config, e.Text, tok.Encode(e.Text), e.ids(form))
		}
		for _, e := range g.Templates {
			same(t, config, e.Text, tok.EncodePieces(splitTemplate(tok, e.Text)), e.ids(form))
		}
	}
}

// decoderJSON is added tokens as tokenizer_config.json has them.
func decoderJSON(t *testing.T, list json.RawMessage) string {
	t.Helper()
	var tokens []map[string]any
	if err := json.Unmarshal(list, &tokens); err != nil {
		t.Fatal(err)
	}
	decoder := map[string]any{}
	for _, token := range tokens {
		id := marshal(t, token["id"])
		delete(token, "id")
		decoder[id] = token
	}
	return marshal(t, decoder)
}

func TestAddedTokensOfTheConfiguration(t *testing.T) {
	g := readGoldens(t)
	decoder := decoderJSON(t, g.AddedTokens)
	for legacy, form := range map[string]string{"true": "legacy", "false": "first"} {
		tok := mustOpen(t, map[string]string{
			modelFile:  string(MistralV1()),
			configFile: `{"legacy": ` + legacy + `, "eos_token": "<|im_end|>", "add_bos_token": false, "added_tokens_decoder": ` + decoder + `}`,
		})
		if tok.Vocab() != 32005 || tok.EOS() != 32000 {
			t.Fatalf("vocab %d, eos %d", tok.Vocab(), tok.EOS())
		}
		for _, e := range g.Added {
			same(t, form, e.Text, tok.Encode(e.Text), e.ids(form))
		}
		same(t, "no BOS", "a", tok.Prompt("a"), tok.Encode("a"))
		if got := tok.Decode([]int32{32001, 22557, 32002, 32000, 32003}); got != "Hello東京都庁<think>" {
			t.Errorf("decoded %q", got)
		}
	}
}

func TestOlderConfigurationFiles(t *testing.T) {
	tok := mustOpen(t, map[string]string{
		modelFile:    string(MistralV1()),
		addedFile:    `{"<|im_end|>": 32000, "<|im_start|>": 32001, "<tool>": 32002}`,
		specialsFile: `{"bos_token": {"content": "<s>", "lstrip": false}, "eos_token": "<|im_end|>", "additional_special_tokens": ["<|im_start|>"]}`,
		configFile:   `{"tokenizer_class": "LlamaTokenizer", "bos_token": "</s>", "pad_token": "[PAD]", "unk_token": null}`,
	})
	if tok.Vocab() != 32003 || tok.BOS() != 2 || tok.EOS() != 32000 {
		t.Errorf("vocab %d, bos %d, eos %d", tok.Vocab(), tok.BOS(), tok.EOS())
	}
	same(t, "text", "<|im_start|>", tok.Encode("<|im_start|>"), mistral(t).Encode("<|im_start|>"))
	same(t, "text", "<tool>", tok.Encode("<tool>"), []int32{32002})
	same(t, "template", "<|im_start|>", tok.EncodePieces(splitTemplate(tok, "<|im_start|>")), []int32{32001})
}

// A note that forgets to say special opens no door.
func TestControlPiecesStaySpecial(t *testing.T) {
	tok := mustOpen(t, map[string]string{modelFile: string(MistralV1()), configFile: `{"added_tokens_decoder": {
		"0": {"content": "<unk>"}, "1": {"content": "<s>"}, "2": {"content": "</s>", "normalized": true}}}`})
	for _, text := range []string{"<s>", "</s>", "<unk>", "a</s>b"} {
		same(t, "text", text, tok.Encode(text), mistral(t).Encode(text))
	}
	same(t, "template", "a</s>", tok.EncodePieces(splitTemplate(tok, "a</s>")), []int32{264, 2})
}

func TestReserve(t *testing.T) {
	tok := mustOpen(t, map[string]string{modelFile: string(MistralV1()), addedFile: `{"<|im_start|>": 32000, "<tool>": 32001}`, configFile: `{"legacy":false}`})
	reserved := tok.Reserve(func(token string) bool { return token == "<|im_start|>" })
	same(t, "before", "<|im_start|>", tok.Encode("<|im_start|>"), []int32{32000})
	same(t, "after", "<|im_start|>", reserved.Encode("<|im_start|>"), mistral(t).Encode("<|im_start|>"))
	same(t, "after", "<tool>", reserved.Encode("<tool>"), []int32{32001})
	same(t, "in a template", "<|im_start|>", reserved.EncodePieces(splitTemplate(reserved, "<|im_start|>")), []int32{32000})
	if got := reserved.Decode([]int32{32000}); got != "<|im_start|>" {
		t.Errorf("decoded %q", got)
	}
}

func TestLongTexts(t *testing.T) {
	tok := mistral(t)
	for name, text := range benchTexts {
		text = strings.Repeat(text, 5) // a quadratic encoder would not come back from these
		if got := tok.Decode(tok.Encode(text)); got != text {
			t.Errorf("%s: %d bytes became %d", name, len(text), len(got))
		}
	}
}

func TestDamagedModel(t *testing.T) {
	good := smallModel()
	trainer := func(field, value byte) []byte { return []byte{modelTrainer<<3 | 2, 2, field << 3, value} }
	normalizer := func(b ...byte) []byte { return append([]byte{modelNormalizer<<3 | 2, byte(len(b))}, b...) }
	raw := func(text string, kind byte) []byte {
		body := append([]byte{pieceText<<3 | 2, byte(len(text))}, text...)
		body = append(body, pieceType<<3, kind)
		return append([]byte{modelPieces<<3 | 2, byte(len(body))}, body...)
	}
	tests := map[string]struct {
		model   []byte
		mention string
	}{
		"empty":            {nil, "model_type is 1"},
		"cut":              {good[:len(good)/2], "damaged"},
		"noise":            {[]byte("\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff"), "damaged"},
		"unigram":          {append(slices.Clone(good), trainer(trainerType, 1)...), "model_type is 1, expected 2"},
		"no byte fallback": {append(slices.Clone(good), 0x12, 3, 0x98, 0x02, 0), "byte_fallback is 0"},
		"suffix":           {append(slices.Clone(good), 0x12, 3, 0xc0, 0x01, 1), "treat_whitespace_as_suffix is 1"},
		"squeezes spaces":  {append(slices.Clone(good), normalizer(normalizerStrip<<3, 1)...), "remove_extra_whitespaces is 1"},
		"keeps spaces":     {append(slices.Clone(good), normalizer(normalizerEscape<<3, 0)...), "escape_whitespaces is 0"},
		"maps characters":  {append(slices.Clone(good), normalizer(normalizerCharMap<<3|2, 1, 0)...), "precompiled_charsmap has 1 bytes"},
		"denormalizes":     {append(slices.Clone(good), modelDenorm<<3|2, 3, normalizerCharMap<<3|2, 1, 0), "denormalizer_spec.precompiled_charsmap"},
		"unused piece":     {append(slices.Clone(good), raw("x9", 5)...), "piece 270: type is 5"},
		"repeated piece":   {append(slices.Clone(good), raw("ab", 1)...), `"ab" is piece`},
		"empty piece":      {append(slices.Clone(good), raw("", 1)...), "has 0 bytes"},
		"broken text":      {append(slices.Clone(good), raw("\xff", 1)...), "not UTF-8"},
		"two unknowns":     {append(slices.Clone(good), raw("<unk2>", 2)...), "2 unknown pieces"},
		"no byte":          {append(slices.Clone(good), raw("<0xG0>", 6)...), "is a byte piece"},
		"no score":         {append(slices.Clone(good), 0x0a, 9, 0x0a, 2, 'q', '9', 0x15, 0, 0, 0xc0, 0x7f), "not a number"},
		"no BOS":           {editPieces(t, good, map[string]int{"<s>": 9}), "piece 1: type is 9"},
	}
	for name, tt := range tests {
		_, err := open(t, map[string]string{modelFile: string(tt.model)})
		if err == nil || !strings.Contains(err.Error(), tt.mention) || !strings.Contains(err.Error(), modelFile) {
			t.Errorf("%s: error %v, want %q", name, err, tt.mention)
		}
	}
}

func TestUnreadableJSON(t *testing.T) {
	change := func(edit func(file, model map[string]any)) string {
		content := map[string]any{}
		if err := json.Unmarshal([]byte(smallJSON()), &content); err != nil {
			t.Fatal(err)
		}
		edit(content, content["model"].(map[string]any))
		return marshal(t, content)
	}
	set := func(key string, value any) string { return change(func(file, _ map[string]any) { file[key] = value }) }
	model := func(key string, value any) string { return change(func(_, m map[string]any) { m[key] = value }) }
	added := func(fields string) string {
		return set("added_tokens", json.RawMessage(`[{"id":270,"content":"<x>"`+fields+`}]`))
	}
	metaspace := func(fields string) string {
		return change(func(file, _ map[string]any) {
			file["normalizer"] = nil
			file["pre_tokenizer"] = json.RawMessage(`{"type":"Metaspace"` + fields + `}`)
		})
	}
	tests := map[string]struct{ file, mention string }{
		"empty":               {"", "not JSON"},
		"cut":                 {model("type", "BPE")[:1000], "model"},
		"not UTF-8":           {"{\"a\":\"\xff\"}", "not UTF-8"},
		"a list":              {"[]", "expected a JSON object"},
		"nothing":             {"{}", "expected Metaspace"},
		"unknown key":         {set("magic", 1), "magic: not known"},
		"unigram":             {model("type", "Unigram"), `type is "Unigram"`},
		"unknown model key":   {model("magic", 1), "magic"},
		"no fallback":         {model("byte_fallback", false), "byte_fallback is false"},
		"dropout":             {model("dropout", 0.1), "dropout is 0.1"},
		"ignore merges":       {model("ignore_merges", true), "ignore_merges is true"},
		"suffix":              {model("end_of_word_suffix", "</w>"), "end_of_word_suffix"},
		"continuing prefix":   {model("continuing_subword_prefix", "##"), "continuing_subword_prefix"},
		"no unknown":          {model("unk_token", nil), "unk_token"},
		"vocab list":          {model("vocab", []int{}), "vocab: expected a JSON object"},
		"hole":                {model("vocab", map[string]int{"a": 0, "b": 2}), `"b" has the id 2, expected 0 to 1`},
		"one id twice":        {model("vocab", map[string]int{"a": 0, "b": 0}), "have the id 0"},
		"no number":           {model("vocab", map[string]string{"a": "0"}), `id of "a"`},
		"no bytes":            {change(func(file, m map[string]any) { file["added_tokens"], m["vocab"] = []any{}, map[string]int{"<unk>": 0} }), "0 byte pieces, expected 256"},
		"unknown half":        {model("merges", []string{"a b", "zzz9 b"}), `merge 1: "zzz9" and "b"`},
		"one half":            {model("merges", []string{"ab"}), `merge 0 is "ab"`},
		"numbers":             {model("merges", []int{1}), "merges"},
		"merge twice":         {model("merges", []string{"a b", "a b"}), "are merge 0 already"},
		"merge makes special": {model("merges", []string{"< s>"}), "must be normal pieces"},
		"lowercase":           {set("normalizer", map[string]any{"type": "Lowercase"}), "normalizer has [Lowercase]"},
		"nfkc first":          {set("normalizer", json.RawMessage(`{"type":"Sequence","normalizers":[{"type":"NFKC"},{"type":"Replace","pattern":{"String":" "},"content":"▁"}]}`)), "[NFKC Replace]"},
		"regex":               {set("normalizer", json.RawMessage(`{"type":"Replace","pattern":{"Regex":" "},"content":"▁"}`)), "Regex"},
		"byte level":          {set("pre_tokenizer", map[string]any{"type": "ByteLevel"}), "ByteLevel beside a normalizer"},
		"splits":              {metaspace(`,"replacement":"▁","prepend_scheme":"first","split":true`), "pre_tokenizer.split"},
		"splits by default":   {metaspace(`,"replacement":"▁","prepend_scheme":"first"`), "pre_tokenizer.split"},
		"other mark":          {metaspace(`,"replacement":"_","prepend_scheme":"first","split":false`), "pre_tokenizer.replacement"},
		"other scheme":        {metaspace(`,"replacement":"▁","prepend_scheme":"last","split":false`), "prepend_scheme"},
		"decoder":             {set("decoder", map[string]any{"type": "ByteLevel"}), "decoder: has [ByteLevel]"},
		"lstrip":              {added(`,"lstrip":true`), `"<x>": lstrip is true`},
		"rstrip":              {added(`,"rstrip":true`), `"<x>": rstrip is true`},
		"single word":         {added(`,"single_word":true`), `"<x>": single_word is true`},
		"unknown added key":   {added(`,"magic":true`), "magic"},
		"no id":               {set("added_tokens", json.RawMessage(`[{"content":"<x>"}]`)), "entry 0 has no id"},
		"far id":              {set("added_tokens", json.RawMessage(`[{"id":2000000000,"content":"<x>"}]`)), "has the id 2000000000"},
		"negative id":         {set("added_tokens", json.RawMessage(`[{"id":-1,"content":"<x>"}]`)), "has the id -1"},
		"hole in added":       {set("added_tokens", json.RawMessage(`[{"id":271,"content":"<x>"}]`)), "none has this id"},
		"other text":          {set("added_tokens", json.RawMessage(`[{"id":1,"content":"<x>"}]`)), `the vocabulary has "<s>"`},
		"text taken":          {set("added_tokens", json.RawMessage(`[{"id":270,"content":"ab"}]`)), `"ab" is piece`},
		"empty added":         {set("added_tokens", json.RawMessage(`[{"id":270,"content":""}]`)), "has 0 bytes"},
	}
	for name, tt := range tests {
		_, err := open(t, map[string]string{jsonFile: tt.file})
		if err == nil || !strings.Contains(err.Error(), tt.mention) || !strings.Contains(err.Error(), jsonFile) {
			t.Errorf("%s: error %v, want %q", name, err, tt.mention)
		}
	}
}

func TestUnreadableConfiguration(t *testing.T) {
	tests := []struct{ file, content, mention string }{
		{configFile, `[]`, "expected a JSON object"},
		{configFile, `{"bos_token": 1}`, "bos_token: expected a text"},
		{configFile, `{"bos_token": null}`, "bos_token is null"},
		{configFile, `{"eos_token": "<|nowhere|>"}`, `eos_token is "<|nowhere|>", which is not in the vocabulary`},
		{configFile, `{"additional_special_tokens": ["<|nowhere|>"]}`, `"<|nowhere|>" is not in the vocabulary`},
		{configFile, `{"additional_special_tokens": 1}`, "expected a list or an object"},
		{configFile, `{"legacy": "yes"}`, "legacy"},
		{configFile, `{"added_tokens_decoder": {"x": {}}}`, `"x" is no id`},
		{configFile, `{"added_tokens_decoder": {"270": {"content": "<x>", "lstrip": true}}}`, "lstrip is true"},
		{configFile, `{"added_tokens_decoder": {"1": {"content": "<x>"}}}`, `the vocabulary has "<s>"`},
		{configFile, `{"legacy": true, "legacy": false}`, "appears twice"},
		{addedFile, `{"<x>": "270"}`, "<x>"},
		{addedFile, `{"<x>": 270, "<y>": 270}`, `270 is "<x>" in added_tokens.json and "<y>" in added_tokens.json`},
		{specialsFile, `{"eos_token": []}`, "eos_token"},
	}
	for _, tt := range tests {
		_, err := open(t, map[string]string{modelFile: string(smallModel()), tt.file: tt.content})
		if err == nil || !strings.Contains(err.Error(), tt.mention) {
			t.Errorf("%s: error %v, want %q", tt.content, err, tt.mention)
		}
	}
}

func TestHugeFilesAreNotRead(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, jsonFile)
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(path, maxJSONBytes+1); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "expected at most") {
		t.Errorf("error %v", err)
	}
}
