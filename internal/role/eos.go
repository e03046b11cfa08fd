package role

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"github.com/hachi-serve/hachi/internal/model"
)

// readEOSTokens reads the tokens that end an answer: those of config.json and,
// when the checkpoint has one, of generation_config.json. Many chat models name
// the end of a turn in the second file only. vocab is the number of tokens.
func readEOSTokens(dir string, cfg model.Config, vocab int) ([]int32, error) {
	ids := slices.Clone(cfg.EOS)
	path := filepath.Join(dir, "generation_config.json")
	raw, err := os.ReadFile(path)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	if err == nil {
		more, err := generationEOS(raw)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		ids = append(ids, more...)
	}
	var out []int32
	for _, id := range ids {
		if id < 0 || id >= vocab {
			return nil, fmt.Errorf("%s: eos_token_id %d is outside the vocabulary of %d", path, id, vocab)
		}
		if !slices.Contains(out, int32(id)) {
			out = append(out, int32(id))
		}
	}
	return out, nil
}

// generationEOS reads eos_token_id: absent, null, a number or a list of them.
func generationEOS(raw []byte) ([]int, error) {
	var c struct {
		EOS json.RawMessage `json:"eos_token_id"`
	}
	if err := json.Unmarshal(raw, &c); err != nil {
		return nil, err
	}
	if len(c.EOS) == 0 || string(c.EOS) == "null" {
		return nil, nil
	}
	var one int
	if json.Unmarshal(c.EOS, &one) == nil {
		return []int{one}, nil
	}
	var many []int
	if err := json.Unmarshal(c.EOS, &many); err != nil {
		return nil, fmt.Errorf("eos_token_id %s: want a token, or a list of tokens", c.EOS)
	}
	return many, nil
}
