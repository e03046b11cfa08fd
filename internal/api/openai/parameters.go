package openai

import (
	"slices"

	"github.com/hachi-serve/hachi/internal/api/generation"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
)

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

// hints say what to use instead of a parameter.
var hints = map[string]string{"functions": ": use tools", "function_call": ": use tool_choice"}

// refuseUnread refuses the parameters that were not read and would change the
// answer. Others that were not read are named in the answer's header.
func refuseUnread(r *httpapi.Reader) {
	r.Unread(func(name string) {
		values, refused := neutral[name]
		switch {
		case !refused:
		case !r.Has(name) || slices.ContainsFunc(values, func(v string) bool { return r.Is(name, v) }):
			r.Accept(name)
		default:
			r.Fault(name, httpapi.CodeUnsupported, "is not supported here%s", hints[name])
		}
	})
	generation.RefuseAttributes(r)
}
