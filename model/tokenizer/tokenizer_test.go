package tokenizer

import (
	"slices"
	"testing"
)

func TestRoundTrip(t *testing.T) {
	tok, err := parse(MistralV1())
	if err != nil {
		t.Fatal(err)
	}
	if tok.Vocab() != 32000 || tok.BOS() != 1 || tok.EOS() != 2 {
		t.Fatalf("vocab %d, bos %d, eos %d", tok.Vocab(), tok.BOS(), tok.EOS())
	}
	for _, text := range []string{"", "a", " a  b\t\n", "八つの専門家", "𠮷野家 👩‍👩‍👧", "<s></s>[INST]", "か\u3099", "\x00\x7f"} {
		ids := tok.Encode(text)
		if slices.Contains(ids, tok.BOS()) || slices.Contains(ids, tok.EOS()) {
			t.Errorf("%q: text became a special id: %v", text, ids)
		}
		if got := tok.Decode(ids); got != text {
			t.Errorf("%q: decoded %q", text, got)
		}
	}
	if got := tok.Encode("Hello world"); !slices.Equal(got, []int32{22557, 1526}) {
		t.Errorf("Hello world: %v", got)
	}
}
