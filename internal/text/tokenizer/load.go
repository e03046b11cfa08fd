package tokenizer

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
)

// Load reads the tokenizer of a checkpoint: DIR/tokenizer.json, or where there
// is none DIR/tokenizer.model, with the configuration files beside it.
func Load(dir string) (*Tokenizer, error) {
	c, err := loadConfig(dir)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	path := filepath.Join(dir, jsonFile)
	b, err := readFile(path, maxJSONBytes)
	parse := parseJSON
	if errors.Is(err, fs.ErrNotExist) {
		path = filepath.Join(dir, modelFile)
		b, err = readFile(path, maxModelBytes)
		parse = func(b []byte) (definition, error) { return parseModelAs(b, c) }
	}
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("tokenizer: %s has neither %s nor %s", dir, jsonFile, modelFile)
	}
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	d, err := parse(b)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %s: %w", path, err)
	}
	t, err := build(d, c)
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %s: %w", path, err)
	}
	return t, nil
}

// parseModelAs reads a SentencePiece model and prefixes as the configuration
// has it: transformers converts the model before use, in these two forms.
func parseModelAs(b []byte, c config) (definition, error) {
	d, err := parseModel(b)
	if !c.legacy && d.prefix.scheme == always {
		d.prefix = prefix{scheme: first}
	}
	if c.prefixed != nil && !*c.prefixed {
		d.prefix.scheme, d.stripSpace = never, false
	}
	return d, err
}
