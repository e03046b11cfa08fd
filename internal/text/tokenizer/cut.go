package tokenizer

import (
	"fmt"
	"maps"
)

// Cut returns a tokenizer of the first n ids only, for a model whose embedding has
// no rows for the others. Those must be special tokens other than BOS and EOS:
// no text becomes one of them. Fine-tuning often adds such a token for padding.
func (t *Tokenizer) Cut(n int) (*Tokenizer, error) {
	if n >= t.Vocab() {
		return t, nil
	}
	v := *t.vocab
	v.pieces, v.ids = v.pieces[:n:n], maps.Clone(v.ids)
	for id, p := range t.vocab.pieces[n:] {
		id := int32(n + id)
		if p.kind != control || id == t.bos || id == t.eos {
			return nil, fmt.Errorf("token %d, %q, is one that texts contain, and the embedding ends at row %d", id, p.text, n-1)
		}
		delete(v.ids, p.text)
	}
	out := *t
	out.vocab = &v
	out.fillMatchers(func(string) bool { return false })
	return &out, nil
}
