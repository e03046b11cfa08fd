package tokenizer

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"

	"github.com/hachi-serve/hachi/internal/strictjson"
)

const (
	modelFile    = "tokenizer.model"
	jsonFile     = "tokenizer.json"
	configFile   = "tokenizer_config.json"
	specialsFile = "special_tokens_map.json"
	addedFile    = "added_tokens.json"
)

// config is what the files beside the vocabulary configure.
type config struct {
	specials map[string]string // texts by name: bos_token, eos_token, ...
	extra    []string          // more special tokens
	added    []addedToken
	addBOS   bool
	addEOS   bool
	legacy   bool  // every run of text gets a prefix, not only the first
	prefixed *bool // add_prefix_space; nil is the vocabulary's own
}

// loadConfig reads tokenizer_config.json and, for what it does not say, the
// older special_tokens_map.json and added_tokens.json. Every file may be
// missing. Keys that do not change ids are ignored.
func loadConfig(dir string) (config, error) {
	c := config{specials: map[string]string{}, addBOS: true, legacy: true}
	said := map[string]bool{}
	for _, file := range []string{configFile, specialsFile} {
		members, err := readObject(dir, file)
		if err != nil {
			return c, err
		}
		for _, m := range members {
			if said[m.Key] {
				continue
			}
			said[m.Key] = true
			if err := c.read(m); err != nil {
				return c, fmt.Errorf("%s: %s: %w", filepath.Join(dir, file), m.Key, err)
			}
		}
	}
	for name, text := range map[string]string{"bos_token": "<s>", "eos_token": "</s>"} {
		if !said[name] {
			c.specials[name] = text
		}
	}
	if said["added_tokens_decoder"] {
		return c, nil
	}
	members, err := readObject(dir, addedFile)
	for _, m := range members {
		a := addedToken{content: m.Key, normalized: true, from: addedFile}
		if err := json.Unmarshal(m.Value, &a.id); err != nil {
			return c, fmt.Errorf("%s: %s: %w", filepath.Join(dir, addedFile), m.Key, err)
		}
		c.added = append(c.added, a)
	}
	return c, err
}

func (c *config) read(m strictjson.Member) (err error) {
	switch m.Key {
	case "bos_token", "eos_token", "unk_token", "pad_token", "sep_token", "cls_token", "mask_token":
		var text string
		if m.Null() {
			return nil
		}
		if text, err = tokenText(m.Value); err == nil {
			c.specials[m.Key] = text
		}
		return err
	case "additional_special_tokens", "extra_special_tokens":
		return c.readExtra(m.Value)
	case "added_tokens_decoder":
		return c.readDecoder(m.Value)
	case "add_bos_token":
		return json.Unmarshal(m.Value, &c.addBOS)
	case "add_eos_token":
		return json.Unmarshal(m.Value, &c.addEOS)
	case "legacy":
		return json.Unmarshal(m.Value, &c.legacy)
	case "add_prefix_space":
		return json.Unmarshal(m.Value, &c.prefixed)
	}
	return nil
}

// tokenText reads a token: its text, or an object around it.
func tokenText(b []byte) (string, error) {
	var text string
	if json.Unmarshal(b, &text) == nil {
		return text, nil
	}
	var object struct {
		Content *string `json:"content"`
	}
	if err := json.Unmarshal(b, &object); err != nil || object.Content == nil {
		return "", errors.New("expected a text or an object with content")
	}
	return *object.Content, nil
}

// readExtra takes a list, or the newer object of named tokens.
func (c *config) readExtra(b []byte) error {
	var list []json.RawMessage
	if err := json.Unmarshal(b, &list); err != nil {
		var named map[string]json.RawMessage
		if err := json.Unmarshal(b, &named); err != nil {
			return errors.New("expected a list or an object of tokens")
		}
		for _, v := range named {
			list = append(list, v)
		}
	}
	for _, v := range list {
		text, err := tokenText(v)
		if err != nil {
			return err
		}
		c.extra = append(c.extra, text)
	}
	return nil
}

func (c *config) readDecoder(b []byte) error {
	members, err := strictjson.Object(b)
	if err != nil {
		return err
	}
	for _, m := range members {
		id, err := strconv.ParseInt(m.Key, 10, 32)
		if err != nil {
			return fmt.Errorf("%q is no id", m.Key)
		}
		var a addedJSON
		if err := decode(m.Value, &a); err != nil {
			return fmt.Errorf("%s: %w", m.Key, err)
		}
		t, err := a.token(int32(id), configFile)
		if err != nil {
			return fmt.Errorf("%s: %w", m.Key, err)
		}
		c.added = append(c.added, t)
	}
	return nil
}

// markSpecial turns the tokens that the configuration names into control pieces.
func (c *config) markSpecial(pieces []piece) error {
	ids := map[string]int{}
	for id, p := range pieces {
		ids[p.text] = id
	}
	mark := func(text string) bool {
		id, ok := ids[text]
		if ok && pieces[id].kind != unknown && pieces[id].kind != byteValue {
			pieces[id].kind = control
		}
		return ok
	}
	for _, text := range c.specials {
		mark(text)
	}
	for _, text := range c.extra {
		if !mark(text) {
			return fmt.Errorf("special token %q is not in the vocabulary", text)
		}
	}
	return nil
}

// readObject reads a JSON object from a file that need not exist.
func readObject(dir, file string) ([]strictjson.Member, error) {
	path := filepath.Join(dir, file)
	b, err := readFile(path, maxJSONBytes)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	members, err := strictjson.Object(b)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return members, nil
}

// readFile reads a file of a bounded size.
func readFile(path string, limit int64) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > limit {
		return nil, fmt.Errorf("%s has %d bytes, expected at most %d", path, info.Size(), limit)
	}
	return os.ReadFile(path)
}
