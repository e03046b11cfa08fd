package role

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/hachi-serve/hachi/internal/model"
)

func TestEOSTokensOfBothConfigurations(t *testing.T) {
	cfg := model.Config{Vocab: 10, EOS: []int{2}}
	tests := []struct {
		name, generation string // empty is no file
		want             string // empty is an error
	}{
		{"no generation_config.json", "", "[2]"},
		{"says nothing", `{"do_sample":true}`, "[2]"},
		{"null", `{"eos_token_id":null}`, "[2]"},
		{"the same", `{"eos_token_id":2}`, "[2]"},
		{"another", `{"eos_token_id":7}`, "[2 7]"},
		{"several", `{"eos_token_id":[2,7,8]}`, "[2 7 8]"},
		{"outside the vocabulary", `{"eos_token_id":10}`, ""},
		{"negative", `{"eos_token_id":[-1]}`, ""},
		{"a text", `{"eos_token_id":"</s>"}`, ""},
		{"damaged", `{`, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			dir := t.TempDir()
			if tt.generation != "" {
				if err := os.WriteFile(filepath.Join(dir, "generation_config.json"), []byte(tt.generation), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			got, err := readEOSTokens(dir, cfg, cfg.Vocab)
			if tt.want == "" && err == nil || tt.want != "" && (err != nil || fmt.Sprint(got) != tt.want) {
				t.Errorf("got %v, %v; want %s", got, err, tt.want)
			}
		})
	}
}
