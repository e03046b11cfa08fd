package role

import (
	"errors"
	"fmt"

	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

// textStack turns text into tokens and back, as a checkpoint's files say. Its
// tokenizer has at most as many tokens as the embedding has rows; the rows behind
// its tokens are padding.
type textStack struct {
	tokenizer *tokenizer.Tokenizer
	template  *chat.Template
	eosTokens []int32 // tokens that end an answer
	digest    string  // of all of them
}

// openTextStack reads the files. It refuses at start what would fail a request,
// with all faults at once.
func openTextStack(dir string, cfg model.Config) (textStack, error) {
	var s textStack
	var errText, errEOS error
	vocab := cfg.Vocab
	if s.tokenizer, s.template, errText = openTokenizer(dir, cfg.Vocab); errText == nil {
		vocab = s.tokenizer.Vocab()
	}
	s.eosTokens, errEOS = readEOSTokens(dir, cfg, vocab)
	if err := errors.Join(errText, errEOS); err != nil {
		return textStack{}, &ConfigError{Err: err}
	}
	var err error
	if s.digest, err = digestTexts(dir, s.eosTokens); err != nil {
		return textStack{}, &ConfigError{Err: err}
	}
	return s, nil
}

// openTokenizer reads the tokenizer and the chat template for an embedding of some
// rows. It leaves special tokens without a row out, if neither a text nor the
// template has them.
func openTokenizer(dir string, rows int) (*tokenizer.Tokenizer, *chat.Template, error) {
	whole, err := tokenizer.Load(dir)
	if err != nil {
		return nil, nil, err
	}
	template, err := chat.Load(dir, whole)
	if err != nil {
		return nil, nil, err
	}
	if whole.Vocab() <= rows {
		return whole, template, nil
	}
	wrong := func(err error) error {
		return fmt.Errorf("%s: the tokenizer has %d tokens, config.json has a vocab_size of %d: %w", dir, whole.Vocab(), rows, err)
	}
	part, err := whole.Cut(rows)
	if err != nil {
		return nil, nil, wrong(err)
	}
	for _, conversation := range conversations {
		ids, err := template.Tokens(conversation, nil)
		if err != nil {
			continue // a shape that the template refuses
		}
		for _, id := range ids {
			if int(id) >= rows {
				return nil, nil, wrong(fmt.Errorf("the chat template writes token %d, and the embedding ends at row %d", id, rows-1))
			}
		}
	}
	template, err = chat.Load(dir, part)
	return part, template, err
}

// conversations show which special tokens a template writes.
var conversations = [][]chat.Message{
	{{Role: "user", Content: "a"}},
	{{Role: "system", Content: "a"}, {Role: "user", Content: "b"}},
	{{Role: "user", Content: "a"}, {Role: "assistant", Content: "b"}, {Role: "user", Content: "c"}},
}
