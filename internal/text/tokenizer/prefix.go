package tokenizer

import "strings"

// meta is the mark that stands for a space in the texts of pieces.
const meta = "▁"

// scheme says which runs of text get a space in front.
type scheme uint8

const (
	never  scheme = iota
	first         // the run at the very beginning of a prompt
	always        // every run between special tokens
)

// prefix rewrites text as pieces spell it: spaces become marks, and a mark may be
// put in front. Hugging Face has it in two forms: as a normalizer,
// which always puts the mark, and as a pre-tokenizer (Metaspace), which puts
// none before a text that begins with one.
type prefix struct {
	scheme     scheme
	normalizer bool
}

func (p prefix) apply(text string, atStart bool) string {
	text = strings.ReplaceAll(text, " ", meta)
	wanted := p.scheme == always || p.scheme == first && atStart
	if text == "" || !wanted || !p.normalizer && strings.HasPrefix(text, meta) {
		return text
	}
	return meta + text
}
