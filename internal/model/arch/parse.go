package arch

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/strictjson"
)

// ParseConfig reads config.json of one of the architectures of All. A key that
// could change the arithmetic and is not understood is an error; ignored lists,
// sorted, the keys that are known to change nothing here. All faults are
// reported at once, each naming its key.
func ParseConfig(data []byte) (c model.Config, ignored []string, err error) {
	members, err := strictjson.Object(data)
	if err != nil {
		return model.Config{}, nil, fmt.Errorf("config: %w", err)
	}
	a, err := find(members, All())
	if err != nil {
		return model.Config{}, nil, fmt.Errorf("config: %w", err)
	}
	p := newConfigParser(a)
	for _, m := range members {
		p.read(m)
	}
	p.finish()
	slices.Sort(p.ignored)
	if len(p.faults) > 0 {
		return model.Config{}, nil, fmt.Errorf("config: %w", errors.Join(p.faults...))
	}
	if err := p.c.Validate(); err != nil {
		return model.Config{}, nil, fmt.Errorf("config: %w", err)
	}
	return p.c, p.ignored, nil
}

// find is the architecture that `architectures` names, else the one of
// `model_type`, else the first.
func find(members []strictjson.Member, all []Arch) (Arch, error) {
	for _, m := range members {
		if m.Key != "architectures" || m.Null() {
			continue
		}
		var found []string
		if err := value(m.Value, &found, "a list of names"); err != nil {
			return Arch{}, fmt.Errorf("architectures: %w", err)
		}
		for _, a := range all {
			if slices.Contains(found, a.Name) {
				return a, nil
			}
		}
		return Arch{}, fmt.Errorf("architectures: found %s, expected one of %v", excerpt(m.Value), names(all))
	}
	for _, m := range members {
		for _, a := range all {
			if m.Key == "model_type" && expectText(m.Value, a.ModelType) == nil {
				return a, nil
			}
		}
	}
	return all[0], nil
}

// configParser collects a Config key by key. raw holds the keys that had a
// value.
type configParser struct {
	arch    Arch
	c       model.Config
	raw     map[string]json.RawMessage
	thetas  []float64 // every rope theta the file states
	ignored []string
	faults  []error
}

func newConfigParser(a Arch) *configParser {
	return &configParser{arch: a, c: model.Config{Arch: a.Name, BOS: 1, EOS: []int{2}}, raw: map[string]json.RawMessage{}}
}

// common are the keys that every architecture of the family has.
var common = map[string]Key{
	"hidden_size":             Int(func(c *model.Config) *int { return &c.Hidden }),
	"num_hidden_layers":       Int(func(c *model.Config) *int { return &c.Layers }),
	"num_attention_heads":     Int(func(c *model.Config) *int { return &c.Heads }),
	"num_key_value_heads":     Int(func(c *model.Config) *int { return &c.KVHeads }),
	"head_dim":                Int(func(c *model.Config) *int { return &c.HeadDim }),
	"vocab_size":              Int(func(c *model.Config) *int { return &c.Vocab }),
	"num_experts_per_tok":     Int(func(c *model.Config) *int { return &c.TopK }),
	"max_position_embeddings": Int(func(c *model.Config) *int { return &c.MaxContext }),
	"sliding_window":          Int(func(c *model.Config) *int { return &c.SlidingWindow }),
	"rms_norm_eps":            Float(func(c *model.Config) *float64 { return &c.NormEps }),
	"tie_word_embeddings":     Bool(func(c *model.Config) *bool { return &c.TieEmbeddings }),
	"hidden_act":              MustBe(func(raw json.RawMessage) error { return expectText(raw, "silu") }),
	"attention_bias":          MustBe(expectFalse),
	"mlp_bias":                MustBe(expectFalse),
	"pretraining_tp":          MustBe(expectOne),
}

// required are the common keys without which shapes or arithmetic would be a
// guess.
var required = []string{
	"hidden_size", "num_hidden_layers", "num_attention_heads", "vocab_size",
	"num_experts_per_tok", "max_position_embeddings", "rms_norm_eps",
}

// nullable are the keys of a meaning for which null is the same as absence.
var nullable = []string{
	"head_dim", "sliding_window", "num_key_value_heads", "rope_scaling", "quantization_config",
	"torch_dtype", "dtype", "rope_parameters", "compression_config", "architectures",
}

func (p *configParser) has(key string) bool { return p.raw[key] != nil }

func (p *configParser) fault(format string, args ...any) {
	p.faults = append(p.faults, fmt.Errorf(format, args...))
}

func (p *configParser) read(m strictjson.Member) {
	if harmless(m.Key) || slices.Contains(p.arch.Ignored, m.Key) {
		p.ignored = append(p.ignored, m.Key)
		return
	}
	if m.Null() && slices.Contains(nullable, m.Key) {
		return
	}
	p.raw[m.Key] = m.Value
	if err := p.set(m); err != nil {
		p.fault("%s: %w", m.Key, err)
	}
}

func (p *configParser) set(m strictjson.Member) error {
	if key, ok := p.arch.Keys[m.Key]; ok {
		return key(&p.c, m.Value)
	}
	if key, ok := common[m.Key]; ok {
		return key(&p.c, m.Value)
	}
	switch m.Key {
	case "rope_theta":
		return p.setTheta(m.Value)
	case "rope_parameters":
		return p.setRope(m.Value)
	case "torch_dtype", "dtype":
		return p.setDType(m.Value)
	case "bos_token_id":
		return p.setBOS(m)
	case "eos_token_id":
		return p.setEOS(m)
	case "architectures":
		return nil // find has read it
	case "model_type":
		return expectText(m.Value, p.arch.ModelType)
	case "rope_scaling":
		return p.setScaling(m.Value)
	}
	return errors.New("unknown key: it may change the arithmetic, and hachi does not implement it")
}

// finish checks what single keys cannot show and fills in what follows from
// other keys.
func (p *configParser) finish() {
	for _, key := range slices.Concat(required, p.arch.Required) {
		if !p.has(key) {
			p.fault("%s: missing", key)
		}
	}
	if p.has("sliding_window") && p.c.SlidingWindow <= 0 {
		p.fault("sliding_window: found %d, expected a positive number, or null for none", p.c.SlidingWindow)
	}
	c := &p.c
	if !p.has("num_key_value_heads") {
		c.KVHeads = c.Heads
	}
	if !p.has("head_dim") && c.Heads > 0 {
		if c.Hidden%c.Heads != 0 {
			p.fault("head_dim: missing, and hidden_size %d is no multiple of num_attention_heads %d", c.Hidden, c.Heads)
		}
		c.HeadDim = c.Hidden / c.Heads
	}
	if p.arch.Finish != nil && c.Layers <= model.MaxLayers {
		if err := p.arch.Finish(c, p.raw); err != nil {
			p.faults = append(p.faults, err)
		}
	}
	if len(p.thetas) == 0 {
		p.fault("rope_theta: missing, also from rope_parameters")
		return
	}
	c.RopeTheta = p.thetas[0]
	for _, t := range p.thetas[1:] {
		if t != c.RopeTheta {
			p.fault("rope_theta: stated twice, as %v and as %v", c.RopeTheta, t)
		}
	}
}

func (p *configParser) setTheta(raw json.RawMessage) error {
	var theta float64
	if err := value(raw, &theta, "a number"); err != nil {
		return err
	}
	p.thetas = append(p.thetas, theta)
	return nil
}

// setRope reads rope_parameters, the newer home of rope_theta.
func (p *configParser) setRope(raw json.RawMessage) error {
	members, err := strictjson.Object(raw)
	if err != nil {
		return err
	}
	for _, m := range members {
		switch m.Key {
		case "rope_theta":
			err = p.setTheta(m.Value)
		case "rope_type", "type":
			err = expectText(m.Value, "default")
		case "partial_rotary_factor":
			err = expectOne(m.Value)
		default:
			err = errors.New("unknown key: it may change the arithmetic, and hachi does not implement it")
		}
		if err != nil {
			return fmt.Errorf("%s: %w", m.Key, err)
		}
	}
	return nil
}

// setScaling accepts a rope_scaling that says "default" explicitly.
func (p *configParser) setScaling(raw json.RawMessage) error {
	if err := p.setRope(raw); err != nil {
		return fmt.Errorf("scaled rotary embedding is not implemented: %w", err)
	}
	return nil
}

func (p *configParser) setDType(raw json.RawMessage) error {
	var s string
	if err := value(raw, &s, "a string"); err != nil {
		return err
	}
	d, ok := map[string]tensor.DType{
		"float32": tensor.F32, "float16": tensor.F16, "bfloat16": tensor.BF16,
	}[strings.TrimPrefix(s, "torch.")]
	if !ok {
		return fmt.Errorf("found %q, expected float32, float16 or bfloat16", s)
	}
	if p.c.DType != tensor.Invalid && p.c.DType != d {
		return fmt.Errorf("found %v, but the other of torch_dtype and dtype says %v", d, p.c.DType)
	}
	p.c.DType = d
	return nil
}

func (p *configParser) setBOS(m strictjson.Member) error {
	if m.Null() {
		p.c.BOS = -1
		return nil
	}
	if err := value(m.Value, &p.c.BOS, "an integer"); err != nil {
		return err
	}
	if p.c.BOS < 0 {
		return fmt.Errorf("found %d, expected a token id", p.c.BOS)
	}
	return nil
}

func (p *configParser) setEOS(m strictjson.Member) error {
	p.c.EOS = nil
	if m.Null() {
		return nil
	}
	var one int
	if value(m.Value, &one, "") == nil {
		p.c.EOS = []int{one}
		return nil
	}
	var many []*int
	if err := value(m.Value, &many, "a token id or a list of them"); err != nil {
		return err
	}
	for _, id := range many {
		if id == nil {
			return errors.New("found null inside the list")
		}
		p.c.EOS = append(p.c.EOS, *id)
	}
	return nil
}
