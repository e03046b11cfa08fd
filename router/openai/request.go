package openai

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"unicode/utf8"

	"github.com/hachi-serve/hachi/router/engine"
	"github.com/hachi-serve/hachi/router/sampler"
)

// maxBody bounds a request: a context's worth of text is far smaller.
const maxBody = 8 << 20

// maxChoices bounds n.
const maxChoices = 16

// fields is a request's top-level object.
type fields map[string]json.RawMessage

// unsupported maps parameters that would change the answer to the values of
// theirs that ask for nothing.
var unsupported = map[string][]string{
	"tools": {"null", "[]"}, "functions": {"null", "[]"}, "tool_choice": {"null", `"none"`, `"auto"`},
	"function_call": {"null", `"none"`, `"auto"`}, "response_format": {"null", `{"type":"text"}`},
	"logit_bias": {"null", "{}"}, "frequency_penalty": {"null", "0", "0.0"}, "presence_penalty": {"null", "0", "0.0"},
	"repetition_penalty": {"null", "1", "1.0"}, "suffix": {"null", `""`}, "best_of": {"null", "1"}, "audio": {"null"},
	"modalities": {"null", `["text"]`}, "prediction": {"null"}, "reasoning_effort": {"null"}, "web_search_options": {"null"},
	"min_tokens": {"null", "0"}, "ignore_eos": {"null", "false"}, "typical_p": {"null", "1", "1.0"},
	"guided_json": {"null"}, "guided_regex": {"null"}, "stop_token_ids": {"null", "[]"}, "prompt_logprobs": {"null"},
}

// decode reads a request's object strictly: valid UTF-8, one object, nothing
// after it.
func decode(r io.Reader) (fields, error) {
	raw, err := io.ReadAll(r)
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &tooLarge):
		return nil, &apiError{status: http.StatusRequestEntityTooLarge, Message: fmt.Sprintf("the body is larger than %d bytes", tooLarge.Limit), Type: "invalid_request_error"}
	case err != nil:
		return nil, invalid("", "the body could not be read: "+err.Error())
	case !utf8.Valid(raw):
		return nil, invalid("", "the body is not valid UTF-8")
	}
	var f fields
	if err := json.Unmarshal(raw, &f); err != nil || f == nil {
		return nil, invalid("", fmt.Sprintf("the body is not a JSON object: %v", err))
	}
	for name, harmless := range unsupported {
		value, ok := f[name]
		if ok && !harmlessValue(value, harmless) {
			return nil, invalid(name, name+" is not supported")
		}
	}
	return f, nil
}

func harmlessValue(value json.RawMessage, harmless []string) bool {
	var compact bytes.Buffer
	if json.Compact(&compact, value) != nil {
		return false
	}
	for _, h := range harmless {
		if compact.String() == h {
			return true
		}
	}
	return false
}

// get reads a parameter into v; absent and null leave it alone.
func (f fields) get(name string, v any) error {
	raw, ok := f[name]
	if !ok || string(raw) == "null" {
		return nil
	}
	if err := json.Unmarshal(raw, v); err != nil {
		return invalid(name, fmt.Sprintf("%s: %v", name, err))
	}
	return nil
}

// options are what chat and completions have in common.
type options struct {
	request engine.Request
	stops   []string
	n       int
	stream  bool
	usage   bool // a final usage chunk is wanted
	model   string
}

// options reads the common parameters.
func (f fields) options() (options, error) {
	o := options{n: 1, request: engine.Request{Logprobs: -1}}
	p := sampler.Params{Temperature: 1, TopP: 1}
	var streamOptions struct {
		IncludeUsage bool `json:"include_usage"`
	}
	var policy string
	var seed int64
	err := errors.Join(
		f.get("temperature", &p.Temperature), f.get("top_p", &p.TopP), f.get("top_k", &p.TopK), f.get("min_p", &p.MinP),
		f.get("seed", &seed), f.get("n", &o.n), f.get("stream", &o.stream), f.get("stream_options", &streamOptions),
		f.get("model", &o.model), f.get("on_missing_expert", &policy),
	)
	if err != nil {
		return o, firstOf(err)
	}
	if p.TopK == -1 {
		p.TopK = 0 // what other servers call off
	}
	p.Seed = uint64(seed)
	if _, ok := f["seed"]; !ok {
		p.Seed = randomSeed()
	}
	if err := p.Validate(); err != nil {
		return o, firstOf(err)
	}
	switch {
	case p.TopP == 0:
		return o, invalid("top_p", "top_p is 0, expected more than 0, at most 1")
	case o.n < 1 || o.n > maxChoices:
		return o, invalid("n", fmt.Sprintf("n is %d, expected 1 to %d", o.n, maxChoices))
	case policy != "" && policy != "wait" && policy != "fail":
		return o, invalid("on_missing_expert", fmt.Sprintf("on_missing_expert is %q, expected wait or fail", policy))
	}
	o.request.Params, o.request.FailFast, o.usage = p, policy == "fail", streamOptions.IncludeUsage
	if o.stops, err = f.stops(); err != nil {
		return o, err
	}
	return o, f.maxTokens(&o.request, "max_completion_tokens", "max_tokens")
}

// firstOf picks one of several joined errors, so that the answer names one
// parameter.
func firstOf(err error) error {
	var joined interface{ Unwrap() []error }
	if errors.As(err, &joined) && len(joined.Unwrap()) > 0 {
		return joined.Unwrap()[0]
	}
	return err
}

func (f fields) maxTokens(r *engine.Request, names ...string) error {
	for _, name := range names {
		n := -1
		if err := f.get(name, &n); err != nil {
			return err
		}
		if _, ok := f[name]; ok && string(f[name]) != "null" {
			if n < 1 {
				return invalid(name, fmt.Sprintf("%s is %d, expected 1 or more", name, n))
			}
			r.MaxTokens = n
			return nil
		}
	}
	return nil
}

// stops reads stop: a text, or up to four.
func (f fields) stops() ([]string, error) {
	var one string
	var many []string
	if f.get("stop", &one) == nil {
		if one == "" {
			return nil, nil
		}
		return []string{one}, nil
	}
	if err := f.get("stop", &many); err != nil {
		return nil, err
	}
	if len(many) > 4 {
		return nil, invalid("stop", fmt.Sprintf("stop has %d texts, expected at most 4", len(many)))
	}
	for _, s := range many {
		if s == "" {
			return nil, invalid("stop", "stop has an empty text")
		}
	}
	return many, nil
}
