package role

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// textFiles are the files of a checkpoint that turn texts into tokens and
// conversations into texts. The first of the vocabularies that is there counts.
var (
	vocabularies = []string{"tokenizer.json", "tokenizer.model"}
	textFiles    = []string{"tokenizer_config.json", "special_tokens_map.json", "added_tokens.json", "chat_template.jinja"}
)

// digestTexts is a digest of the tokenizer and the chat template in a directory, and of
// the tokens that end an answer. Processes with one digest make the same tokens of a
// request; how JSON is spaced and ordered does not matter.
func digestTexts(dir string, eos []int32) (string, error) {
	h := sha256.New()
	part := func(name string, content []byte) { fmt.Fprintf(h, "%s %d\n%s\n", name, len(content), content) }
	for _, name := range vocabularies {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		part(name, raw)
		break
	}
	for _, name := range textFiles {
		raw, err := os.ReadFile(filepath.Join(dir, name))
		if errors.Is(err, fs.ErrNotExist) {
			continue
		}
		if err != nil {
			return "", err
		}
		part(name, canonical(raw))
	}
	part("eos", fmt.Append(nil, eos))
	return hex.EncodeToString(h.Sum(nil)[:16]), nil
}

// canonical is JSON in one form; what is no JSON stays as it is.
func canonical(raw []byte) []byte {
	var v any
	if json.Unmarshal(raw, &v) != nil {
		return raw
	}
	out, err := json.Marshal(v)
	if err != nil {
		return raw
	}
	return out
}
