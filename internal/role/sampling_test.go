package role

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/api/completion"
)

func TestSamplingDefaultsAreWhatTheCheckpointStates(t *testing.T) {
	neutral := completion.NeutralSampling()
	for _, tt := range []struct {
		name, file, mode string
		want             completion.SamplingDefaults
		fault            string
	}{
		{"no file", "", "auto", neutral, ""},
		{"nothing stated", `{"eos_token_id":2,"do_sample":false}`, "auto", neutral, ""},
		{"all stated", `{"temperature":0.6,"top_p":0.95,"top_k":20,"min_p":0.1,"repetition_penalty":1.05}`, "",
			completion.SamplingDefaults{Temperature: 0.6, TopP: 0.95, TopK: 20, MinP: 0.1, RepetitionPenalty: 1.05}, ""},
		{"some stated", `{"temperature":null,"top_k":50,"do_sample":true,"max_new_tokens":9}`, "auto",
			completion.SamplingDefaults{Temperature: 1, TopP: 1, TopK: 50, RepetitionPenalty: 1}, ""},
		{"ignored", `{"temperature":0.6}`, "none", neutral, ""},
		{"ignored, out of range", `{"temperature":9}`, "none", neutral, ""},
		{"out of range", `{"temperature":9}`, "auto", neutral, "temperature is 9, expected 0 to 2; --generation-config none"},
		{"no number", `{"top_p":"high"}`, "auto", neutral, "generation_config.json"},
	} {
		dir := t.TempDir()
		if tt.file != "" {
			if err := os.WriteFile(filepath.Join(dir, "generation_config.json"), []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		got, err := readSamplingDefaults(dir, tt.mode)
		switch {
		case tt.fault != "":
			if err == nil || !strings.Contains(err.Error(), tt.fault) {
				t.Errorf("%s: %v, expected %q", tt.name, err, tt.fault)
			}
		case err != nil || got != tt.want:
			t.Errorf("%s: %+v, %v, expected %+v", tt.name, got, err, tt.want)
		}
	}
}
