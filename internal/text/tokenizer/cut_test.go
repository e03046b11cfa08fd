package tokenizer

import (
	"strings"
	"testing"
)

// withAdded is the Mistral v1 model with a configuration.
func withAdded(t *testing.T, config string) *Tokenizer {
	t.Helper()
	return mustOpen(t, map[string]string{modelFile: string(MistralV1()), configFile: config})
}

func TestCut(t *testing.T) {
	const config = `{"pad_token": "<pad>", "added_tokens_decoder": {
		"32000": {"content": "<|im_end|>", "special": true}, "32001": {"content": "<pad>", "special": true}}}`
	tok := withAdded(t, config)
	cut, err := tok.Cut(32001)
	if err != nil {
		t.Fatal(err)
	}
	if cut.Vocab() != 32001 || tok.Vocab() != 32002 {
		t.Errorf("%d and %d tokens, want 32001 and 32002", cut.Vocab(), tok.Vocab())
	}
	for _, text := range []string{"", "hello <pad> there", "<|im_end|>", "日本語"} {
		same(t, "text", text, cut.Encode(text), tok.Encode(text))
	}
	same(t, "a token that is left", "<|im_end|>", cut.EncodePieces(splitTemplate(cut, "<|im_end|>")), []int32{32000})
	same(t, "a token that is gone", "<pad>", cut.EncodePieces(splitTemplate(cut, "<pad>")), tok.Encode("<pad>"))
	if again, err := cut.Cut(40000); err != nil || again != cut {
		t.Errorf("cut where nothing is: %v", err)
	}
}

func TestCutOfTokensThatTextsContain(t *testing.T) {
	for _, tt := range []struct {
		config string
		n      int
		says   string
	}{
		{`{"added_tokens_decoder": {"32000": {"content": "<|x|>", "special": false}}}`, 32000, `token 32000, "<|x|>"`},
		{`{"added_tokens_decoder": {"32000": {"content": "<end>", "special": true}}, "eos_token": "<end>"}`, 32000, `token 32000, "<end>"`},
		{`{}`, 31999, "token 31999"},
	} {
		if _, err := withAdded(t, tt.config).Cut(tt.n); err == nil || !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: error %v, want %q", tt.config, err, tt.says)
		}
	}
}

func TestPromptHasWhatTheConfigurationAdds(t *testing.T) {
	hello := mistral(t).Encode("hello")
	for config, want := range map[string][]int32{
		`{}`:                       append([]int32{1}, hello...),
		`{"add_bos_token": false}`: hello,
		`{"add_eos_token": true}`:  append(append([]int32{1}, hello...), 2),
		`{"add_eos_token": false}`: append([]int32{1}, hello...),
	} {
		same(t, config, "hello", withAdded(t, config).Prompt("hello"), want)
	}
}
