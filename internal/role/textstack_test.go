package role

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

func TestTokenizerAndVocabularyMustAgree(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.model"), tokenizer.MistralV1(), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := openTextStack(dir, model.Config{Vocab: 32000}); err != nil {
		t.Fatal(err)
	}
	for _, vocab := range []int{31999, 32001} {
		_, err := openTextStack(dir, model.Config{Vocab: vocab})
		var bad *ConfigError
		if !errors.As(err, &bad) || !strings.Contains(err.Error(), "the tokenizer has 32000 tokens") || !strings.Contains(err.Error(), dir) {
			t.Errorf("vocab_size %d: error %v", vocab, err)
		}
	}
}
