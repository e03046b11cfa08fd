package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hachi-serve/hachi/internal/strictjson"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

const (
	templateFile = "chat_template.jinja"
	configFile   = "tokenizer_config.json"
	maxFile      = 16 << 20
)

// Load reads the template of a checkpoint: DIR/chat_template.jinja, or else
// chat_template in DIR/tokenizer_config.json, which is a template or a list of
// named ones with one named default. A checkpoint without either has the plain
// Mistral format. A template that cannot be honored is an error here.
func Load(dir string, t *tokenizer.Tokenizer) (*Template, error) {
	source, path, found, err := find(dir)
	if err != nil {
		return nil, fmt.Errorf("chat: %s: %w", path, err)
	}
	if !found {
		return MustParse(MistralTemplate, t), nil
	}
	out, err := Parse(source, t)
	if err != nil {
		return nil, fmt.Errorf("chat: %s: %w", path, err)
	}
	return out, nil
}

// HasTemplate reports whether a checkpoint has a template of its own.
func HasTemplate(dir string) bool {
	_, _, found, _ := find(dir) // Load reports the error
	return found
}

// find is the template of a checkpoint and the file that it is in.
func find(dir string) (source, path string, found bool, err error) {
	path = filepath.Join(dir, templateFile)
	source, found, err = readTemplate(path)
	if err == nil && !found {
		path = filepath.Join(dir, configFile)
		source, found, err = readConfig(path)
	}
	return source, path, found, err
}

func readTemplate(path string) (source string, found bool, err error) {
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", false, nil
	}
	if err != nil {
		return "", false, err
	}
	if info.Size() > maxFile {
		return "", false, fmt.Errorf("%d bytes, expected at most %d", info.Size(), maxFile)
	}
	b, err := os.ReadFile(path)
	return string(b), true, err
}

func readConfig(path string) (source string, found bool, err error) {
	text, found, err := readTemplate(path)
	if !found || err != nil {
		return "", false, err
	}
	members, err := strictjson.Object([]byte(text))
	if err != nil {
		return "", false, err
	}
	for _, m := range members {
		if m.Key == "chat_template" && !m.Null() {
			source, err := chooseTemplate(m.Value)
			return source, true, err
		}
	}
	return "", false, nil
}

// chooseTemplate takes a template, or the default one of a list.
func chooseTemplate(b []byte) (string, error) {
	var source string
	if json.Unmarshal(b, &source) == nil {
		return source, nil
	}
	var list []struct {
		Name     string `json:"name"`
		Template string `json:"template"`
	}
	if err := json.Unmarshal(b, &list); err != nil {
		return "", errors.New("chat_template is neither a text nor a list of named templates")
	}
	for _, t := range list {
		if t.Name == "default" {
			return t.Template, nil
		}
	}
	return "", fmt.Errorf("chat_template lists %d templates, but none named default", len(list))
}
