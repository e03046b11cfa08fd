package role

import (
	"fmt"

	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

// textStack turns text into tokens and back, as a checkpoint's files say.
type textStack struct {
	tokenizer *tokenizer.Tokenizer
	template  *chat.Template
	eosTokens []int32 // tokens that end an answer
}

// openTextStack reads the files. It refuses at start what would fail a request.
func openTextStack(dir string, cfg model.Config) (textStack, error) {
	t, err := tokenizer.Load(dir)
	if err != nil {
		return textStack{}, &ConfigError{Err: err}
	}
	if t.Vocab() != cfg.Vocab {
		return textStack{}, &ConfigError{Err: fmt.Errorf("%s: the tokenizer has %d tokens, config.json has a vocab_size of %d", dir, t.Vocab(), cfg.Vocab)}
	}
	template, err := chat.Load(dir, t)
	if err != nil {
		return textStack{}, &ConfigError{Err: err}
	}
	eos, err := readEOSTokens(dir, cfg)
	if err != nil {
		return textStack{}, &ConfigError{Err: err}
	}
	return textStack{t, template, eos}, nil
}
