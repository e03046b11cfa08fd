package role

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/hachi-serve/hachi/internal/api/completion"
)

// Values of serving.generationConfig.
const (
	// GenerationConfigAuto takes the defaults of sampling from the checkpoint.
	GenerationConfigAuto = "auto"
	// GenerationConfigNone keeps those of the API.
	GenerationConfigNone = "none"
)

// readSamplingDefaults reads how a token is drawn for a request that does not say
// so: what generation_config.json states of temperature, top_p, top_k, min_p and
// repetition_penalty. As in vLLM, do_sample is not read, because a request without
// a temperature would otherwise be greedy or not by a default of transformers; null
// and what the file leaves out keep the default of the API.
func readSamplingDefaults(dir, mode string) (completion.SamplingDefaults, error) {
	d := completion.NeutralSampling()
	if mode == GenerationConfigNone {
		return d, nil
	}
	path := filepath.Join(dir, "generation_config.json")
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return d, nil
	}
	if err == nil {
		err = json.Unmarshal(raw, &d) // null leaves a number as it is
	}
	if err == nil {
		err = d.Validate()
	}
	if err != nil {
		return d, fmt.Errorf("%s: %w; --generation-config none ignores its sampling parameters", path, err)
	}
	return d, nil
}
