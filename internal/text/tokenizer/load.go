package tokenizer

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"
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
		return nil, fmt.Errorf("tokenizer: %s has neither %s nor %s%s", dir, jsonFile, modelFile, otherFormat(dir))
	}
	if err != nil {
		return nil, fmt.Errorf("tokenizer: %w", err)
	}
	if strings.HasPrefix(string(b), "version https://git-lfs") {
		return nil, fmt.Errorf("tokenizer: %s is a Git LFS pointer, not the file itself: run `git lfs pull` in the repository of the model", path)
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

// otherFormat is the end of a message about a checkpoint without a tokenizer: what it
// has instead, and what to get.
func otherFormat(dir string) string {
	for _, other := range []struct{ pattern, what string }{
		{"tekken.json", "the format of Mistral's own tools"},
		{"tokenizer.model.v*", "the format of Mistral's own tools"},
		{"vocab.json", "the format of slow tokenizers"},
		{"*.tiktoken", "the format of tiktoken"},
	} {
		if found, err := filepath.Glob(filepath.Join(dir, other.pattern)); err == nil && len(found) > 0 {
			return fmt.Sprintf(", only %s, %s: take %s of the Hugging Face form of the model", filepath.Base(found[0]), other.what, jsonFile)
		}
	}
	return ": copy them from the repository of the model"
}
