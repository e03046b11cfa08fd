package completion

import "github.com/hachi-serve/hachi/internal/router/engine"

// SamplingDefaults are how a token is drawn for a request that does not say so, as
// HTTP APIs show and read it.
type SamplingDefaults struct {
	Temperature       float64 `json:"temperature"` // 0 is greedy
	TopP              float64 `json:"top_p"`       // 1 is off
	TopK              int     `json:"top_k"`       // 0 is off
	MinP              float64 `json:"min_p"`       // 0 is off
	RepetitionPenalty float64 `json:"repetition_penalty"`
}

// NeutralSampling draws from the model's own distribution.
func NeutralSampling() SamplingDefaults {
	return SamplingDefaults{Temperature: 1, TopP: 1, RepetitionPenalty: 1}
}

// Apply gives a request these parameters.
func (d SamplingDefaults) Apply(r *engine.Request) {
	p := &r.Params
	p.Temperature, p.TopP, p.TopK, p.MinP = d.Temperature, d.TopP, d.TopK, d.MinP
	p.TypicalP, p.RepetitionPenalty = 1, d.RepetitionPenalty
}

// Validate reports every parameter out of range, by name.
func (d SamplingDefaults) Validate() error {
	var r engine.Request
	d.Apply(&r)
	return r.Params.Validate()
}
