package openai

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strconv"
	"strings"
)

// ignoredHeader names, in an answer, the parameters that are unknown.
const ignoredHeader = "X-Ignored-Parameters"

// Parameters by endpoint that are read.
var (
	commonParameters = []string{
		"model", "stream", "stream_options", "n", "seed", "temperature", "top_p", "top_k", "min_p", "typical_p",
		"repetition_penalty", "frequency_penalty", "presence_penalty", "logit_bias", "stop", "stop_token_ids", "ignore_eos",
		"min_tokens", "max_tokens", "max_completion_tokens", "logprobs", "prompt_logprobs", "on_missing_expert", "timeout", "priority",
		"response_format", "structured_outputs", "cache_salt",
	}
	chatParameters       = append([]string{"messages", "attributes", "top_logprobs"}, commonParameters...)
	completionParameters = append([]string{"prompt", "echo", "best_of"}, commonParameters...)
	tokenizeParameters   = []string{"model", "prompt", "messages", "attributes", "add_special_tokens"}
	detokenizeParameters = []string{"model", "tokens"}
)

// harmless parameters do not change an answer: they pass, whatever their value.
var harmless = []string{
	"user", "store", "metadata", "service_tier", "safety_identifier", "prompt_cache_key", "prompt_cache_retention",
	"prompt_cache_options", "parallel_tool_calls", "request_id", "include_obfuscation",
}

// neutral maps parameters that would change the answer, and are not supported,
// to the values of theirs that ask for nothing; null always does.
var neutral = map[string][]string{
	"tools": {"[]"}, "functions": {"[]"}, "tool_choice": {`"none"`, `"auto"`}, "function_call": {`"none"`, `"auto"`},
	"audio": {}, "modalities": {`["text"]`}, "prediction": {},
	"reasoning_effort": {}, "reasoning": {}, "web_search_options": {}, "suffix": {`""`}, "best_of": {"1"}, "moderation": {},
	"length_penalty": {"1"}, "no_repeat_ngram_size": {"0"},
	"include_stop_str_in_output": {"false"},
	"skip_special_tokens":        {"true"}, "spaces_between_special_tokens": {"true", "false"}, "bad_words": {"[]"}, "allowed_token_ids": {},
	"top_a": {"0"}, "tfs": {"1"}, "mirostat": {"0"}, "use_beam_search": {"false"},
	"prompt_embeds": {}, "truncate_prompt_tokens": {}, "logits_processors": {"[]"},
	"guided_json": {}, "guided_regex": {}, "guided_choice": {}, "guided_grammar": {}, "json_schema": {},
	"grammar": {}, "regex": {}, "ebnf": {}, "chat_template": {}, "chat_template_kwargs": {"{}"}, "documents": {"[]"},
	"add_generation_prompt": {"true"}, "continue_final_message": {"false"}, "add_special_tokens": {"true"},
	"return_token_ids": {"false"}, "return_tokens_as_token_ids": {"false"},
	"echo": {"false"}, "top_logprobs": {}, "messages": {}, "prompt": {}, "attributes": {"{}"},
}

// sort checks the keys of a request. What is not supported is an error; an
// unknown key is named in the answer's header.
func (f fields) sort(h http.Header, known []string) error {
	var unknown []string
	for _, name := range f.names() {
		values, refused := neutral[name]
		switch {
		case slices.Contains(known, name) || slices.Contains(harmless, name):
		case refused:
			if f.has(name) && !slices.ContainsFunc(values, func(v string) bool { return same(f[name], v) }) {
				return invalid(name, codeUnsupported, name+" is not supported here")
			}
		case isAttribute(name):
			if !f.has(name) {
				continue
			}
			return invalid(name, codeUnsupported, name+" is an attribute: it belongs in attributes, or on a user message")
		default:
			unknown = append(unknown, name)
		}
	}
	nameIgnored(h, unknown)
	return nil
}

// nameIgnored adds parameters to the header that names what was not read.
func nameIgnored(h http.Header, names []string) {
	const maxNamed = 20
	for _, name := range names[:min(maxNamed, len(names))] {
		if len(name) <= 64 && strings.IndexFunc(name, func(r rune) bool { return r <= ' ' || r >= 0x7f || r == ',' }) < 0 {
			h.Add(ignoredHeader, name)
		}
	}
}

// names are the keys in order, so that the same request gives the same error.
func (f fields) names() []string {
	names := make([]string, 0, len(f))
	for name := range f {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// same compares a value with a compact one; numbers by their value.
func same(raw json.RawMessage, want string) bool {
	var buf bytes.Buffer
	if json.Compact(&buf, raw) != nil {
		return false
	}
	if buf.String() == want {
		return true
	}
	x, xErr := strconv.ParseFloat(string(raw), 64)
	y, yErr := strconv.ParseFloat(want, 64)
	return xErr == nil && yErr == nil && x == y
}
