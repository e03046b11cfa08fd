package openai

import (
	"net/http"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/api/httpapi"
)

const user = `"messages":[{"role":"user","content":"x"}]`

// TestBadRequestsNameTheirFault: status, param and code of everything that can
// be wrong with a request.
func TestBadRequestsNameTheirFault(t *testing.T) {
	const chat, text = "/v1/chat/completions", "/v1/completions"
	tests := []struct {
		path, body, param, code string
		mention                 string
	}{
		// The body.
		{chat, `{` + user, "", "", "not closed"},
		{chat, ``, "", "", "not JSON"},
		{chat, `[]`, "", "", "an array"},
		{chat, `null`, "", "", "null"},
		{chat, `{} {}`, "", "", "data after the end"},
		{chat, "{\"model\":\"\xff\"}", "", "", "UTF-8"},
		{chat, `{"model":"` + "\x00" + `"}`, "", "", "JSON"},
		{chat, `{` + user + `,"n":1,"n":2}`, "", "", `"n" appears twice`},
		{chat, `{"messages":[{"role":"user","content":"x","content":"y"}]}`, "messages[0]", "invalid_value", `"content" appears twice`},
		{chat, `{"messages":[{"role":"user","content":"\ud800"}]}`, "", "", `\ud800`},
		{chat, `{"messages":[{"role":"user","content":"\\\udc00x"}]}`, "", "", `\udc00`},
		{chat, `{"x":` + strings.Repeat("[", 20000) + strings.Repeat("]", 20000) + `}`, "", "", "depth"},
		{chat, `{"temperature":NaN}`, "", "", "JSON"},
		// Messages.
		{chat, `{}`, "messages", "missing_required_parameter", ""},
		{chat, `{"messages":null}`, "messages", "missing_required_parameter", ""},
		{chat, `{"messages":"x"}`, "messages", "invalid_type", "a string"},
		{chat, `{"messages":[]}`, "messages", "invalid_value", "empty"},
		{chat, `{"messages":[1]}`, "messages[0]", "invalid_type", "a number"},
		{chat, `{"messages":[{"content":"x"}]}`, "messages[0].role", "missing_required_parameter", ""},
		{chat, `{"messages":[{"role":"function","content":"x"}]}`, "messages[0].role", "invalid_value", "tool"},
		{chat, `{"messages":[{"role":"tool","content":"x"}]}`, "messages[0].tool_call_id", "missing_required_parameter", "the id of the call"},
		{chat, `{"messages":[{"role":"tool","tool_call_id":"c"}]}`, "messages[0].content", "missing_required_parameter", ""},
		{chat, `{"messages":[{"role":"user","content":"x","tool_calls":[{}]}]}`, "messages[0].tool_calls", "unsupported_parameter", "assistant"},
		{chat, `{"messages":[{"role":"assistant","content":"x","function_call":{"name":"f"}}]}`, "messages[0].function_call", "unsupported_parameter", "use tool_calls"},
		{chat, `{"messages":[{"role":"assistant","content":null},{"role":"user","content":"x"}]}`, "messages[0].content", "missing_required_parameter", ""},
		{chat, `{"messages":[{"role":"assistant","content":null,"tool_calls":[]},{"role":"user","content":"x"}]}`, "messages[0].content", "missing_required_parameter", ""},
		{chat, `{"messages":[{"role":"user"}]}`, "messages[0].content", "missing_required_parameter", ""},
		{chat, `{"messages":[{"role":"user","content":null}]}`, "messages[0].content", "missing_required_parameter", ""},
		{chat, `{"messages":[{"role":"user","content":5}]}`, "messages[0].content", "invalid_type", "a number"},
		{chat, `{"messages":[{"role":"user","content":[{"type":"image_url"}]}]}`, "messages[0].content[0].type", "unsupported_parameter", "image_url"},
		{chat, `{"messages":[{"role":"user","content":[{"type":"text"}]}]}`, "messages[0].content[0].text", "missing_required_parameter", ""},
		{chat, `{"messages":[{"role":"user","content":["x"]}]}`, "messages[0].content[0]", "invalid_type", "a string"},
		{chat, `{"messages":[{"role":"assistant","content":"x","tool_calls":[{}]}]}`, "messages[0].tool_calls[0].id", "missing_required_parameter", ""},
		{chat, `{"messages":[{"role":"assistant","content":"x"}]}`, "messages", "invalid_value", ""},
		{chat, `{"messages":[{"role":"user","content":"x"},{"role":"user","content":"y"}]}`, "messages", "invalid_value", ""},
		{chat, `{"messages":[{"role":"user","content":"` + strings.Repeat("word ", 400) + `"}]}`, "messages", "context_length_exceeded", "holds 300"},
		// Attributes.
		{chat, `{"messages":[{"role":"user","content":"x","helpfulness":5}]}`, "messages[0].helpfulness", "invalid_value", "5"},
		{chat, `{"messages":[{"role":"user","content":"x","helpfulness":"4"}]}`, "messages[0].helpfulness", "invalid_type", "a string"},
		{chat, `{"messages":[{"role":"user","content":"x","helpfulness":1.5}]}`, "messages[0].helpfulness", "invalid_type", "1.5"},
		{chat, `{"messages":[{"role":"user","content":"x","helpfullness":1}]}`, "messages[0].helpfullness", "invalid_value", "did you mean helpfulness?"},
		{chat, `{"messages":[{"role":"user","content":"x","humoor":"dry"}]}`, "messages[0].humoor", "invalid_value", "did you mean humor?"},
		{chat, `{"messages":[{"role":"user","content":"x","Humor":1}]}`, "messages[0].Humor", "invalid_value", "did you mean humor?"},
		{chat, `{"messages":[{"role":"assistant","content":"x","quallity":1}]}`, "messages[0].quallity", "invalid_value", "did you mean quality?"},
		{chat, `{"messages":[{"role":"system","content":"x","humor":1},{"role":"user","content":"x"}]}`, "messages[0].humor", "invalid_value", "system"},
		{chat, `{` + user + `,"attributes":{"humor":-1}}`, "attributes.humor", "invalid_value", "-1"},
		{chat, `{` + user + `,"attributes":{"kindness":1}}`, "attributes.kindness", "invalid_value", ""},
		{chat, `{` + user + `,"attributes":[]}`, "attributes", "invalid_type", "a list"},
		{chat, `{` + user + `,"humor":3}`, "humor", "unsupported_parameter", "attributes"},
		// Sampling.
		{chat, `{` + user + `,"temperature":3}`, "temperature", "invalid_value", "0 to 2"},
		{chat, `{` + user + `,"temperature":-0.1}`, "temperature", "invalid_value", "-0.1"},
		{chat, `{` + user + `,"temperature":1e999}`, "temperature", "invalid_value", "1e999"},
		{chat, `{` + user + `,"temperature":"0.5"}`, "temperature", "invalid_type", "a string"},
		{chat, `{` + user + `,"temperature":true}`, "temperature", "invalid_type", "a boolean"},
		{chat, `{` + user + `,"top_p":0}`, "top_p", "invalid_value", ""},
		{chat, `{` + user + `,"top_p":1.1}`, "top_p", "invalid_value", ""},
		{chat, `{` + user + `,"top_k":-2}`, "top_k", "invalid_value", ""},
		{chat, `{` + user + `,"top_k":1.5}`, "top_k", "invalid_type", "an integer"},
		{chat, `{` + user + `,"min_p":2}`, "min_p", "invalid_value", ""},
		{chat, `{` + user + `,"seed":1.5}`, "seed", "invalid_value", ""},
		{chat, `{` + user + `,"seed":"7"}`, "seed", "invalid_type", ""},
		{chat, `{` + user + `,"seed":1e30}`, "seed", "invalid_value", ""},
		{chat, `{` + user + `,"n":0}`, "n", "invalid_value", "1 to 128"},
		{chat, `{` + user + `,"n":129}`, "n", "invalid_value", ""},
		{chat, `{` + user + `,"max_tokens":0}`, "max_tokens", "invalid_value", ""},
		{chat, `{` + user + `,"max_completion_tokens":-1}`, "max_completion_tokens", "invalid_value", ""},
		{chat, `{` + user + `,"max_tokens":1,"max_completion_tokens":2}`, "max_tokens", "invalid_value", "differ"},
		{chat, `{` + user + `,"logprobs":5}`, "logprobs", "invalid_type", "a boolean"},
		{chat, `{` + user + `,"top_logprobs":3}`, "top_logprobs", "invalid_value", "logprobs"},
		{chat, `{` + user + `,"logprobs":true,"top_logprobs":21}`, "top_logprobs", "invalid_value", "20"},
		{chat, `{` + user + `,"stop":""}`, "stop", "invalid_value", "empty"},
		{chat, `{` + user + `,"stop":["a",""]}`, "stop", "invalid_value", "empty"},
		{chat, `{` + user + `,"stop":[1]}`, "stop", "invalid_type", ""},
		{chat, `{` + user + `,"stop":[null]}`, "stop", "invalid_type", ""},
		{chat, `{` + user + `,"stop":7}`, "stop", "invalid_type", "a number"},
		{chat, `{` + user + `,"stop":["` + strings.Repeat(`a","`, 16) + `a"]}`, "stop", "invalid_value", "16"},
		{chat, `{` + user + `,"stream":"yes"}`, "stream", "invalid_type", ""},
		{chat, `{` + user + `,"stream_options":{"include_usage":true}}`, "stream_options", "invalid_value", "stream"},
		{chat, `{` + user + `,"stream":true,"stream_options":{"include_usage":1}}`, "stream_options.include_usage", "invalid_type", ""},
		{chat, `{` + user + `,"on_missing_expert":"guess"}`, "on_missing_expert", "invalid_value", "guess"},
		{chat, `{` + user + `,"timeout":0}`, "timeout", "invalid_value", ""},
		{chat, `{` + user + `,"priority":1.5}`, "priority", "invalid_type", ""},
		{chat, `{` + user + `,"typical_p":0}`, "typical_p", "invalid_value", "more than 0"},
		{chat, `{` + user + `,"repetition_penalty":0}`, "repetition_penalty", "invalid_value", "more than 0"},
		{chat, `{` + user + `,"repetition_penalty":101}`, "repetition_penalty", "invalid_value", "100"},
		{chat, `{` + user + `,"frequency_penalty":-2.1}`, "frequency_penalty", "invalid_value", "-2 to 2"},
		{chat, `{` + user + `,"presence_penalty":"1"}`, "presence_penalty", "invalid_type", "a string"},
		{chat, `{` + user + `,"logit_bias":[]}`, "logit_bias", "invalid_type", "a list"},
		{chat, `{` + user + `,"logit_bias":{"x":1}}`, "logit_bias.x", "invalid_value", "0 to 31999"},
		{chat, `{` + user + `,"logit_bias":{"32000":1}}`, "logit_bias.32000", "invalid_value", "0 to 31999"},
		{chat, `{` + user + `,"logit_bias":{"+5":1}}`, "logit_bias.+5", "invalid_value", "not a token"},
		{chat, `{` + user + `,"logit_bias":{"5":101}}`, "logit_bias.5", "invalid_value", "-100 to 100"},
		{chat, `{` + user + `,"logit_bias":{"5":1,"5":2}}`, "logit_bias", "invalid_value", "twice"},
		{chat, `{` + user + `,"min_tokens":-1}`, "min_tokens", "invalid_value", ""},
		{chat, `{` + user + `,"min_tokens":5,"max_tokens":4}`, "min_tokens", "invalid_value", "more than the 4"},
		{chat, `{` + user + `,"stop_token_ids":[32000]}`, "stop_token_ids", "invalid_value", "32000"},
		{chat, `{` + user + `,"stop_token_ids":[null]}`, "stop_token_ids", "invalid_value", "null"},
		{chat, `{` + user + `,"stop_token_ids":5}`, "stop_token_ids", "invalid_type", ""},
		{chat, `{` + user + `,"stop_token_ids":[` + strings.Repeat("5,", 128) + `5]}`, "stop_token_ids", "invalid_value", "128"},
		{chat, `{` + user + `,"ignore_eos":1}`, "ignore_eos", "invalid_type", ""},
		{chat, `{` + user + `,"prompt_logprobs":21}`, "prompt_logprobs", "invalid_value", ""},
		{chat, `{` + user + `,"prompt_logprobs":-1}`, "prompt_logprobs", "invalid_value", ""},
		{chat, `{` + user + `,"prompt_logprobs":1,"stream":true}`, "prompt_logprobs", "invalid_value", "stream"},
		{chat, `{` + user + `,"best_of":2}`, "best_of", "unsupported_parameter", ""},
		{text, `{"prompt":"x","best_of":1,"n":2}`, "best_of", "invalid_value", "at least n"},
		{text, `{"prompt":"x","best_of":3,"n":2,"stream":true}`, "best_of", "invalid_value", "stream"},
		{text, `{"prompt":["x","y"],"best_of":100}`, "n", "invalid_value", "200"},
		{chat, `{` + user + `,"model":7}`, "model", "invalid_type", ""},
		// What would change the answer and is not supported.
		{chat, `{` + user + `,"tools":[{}]}`, "tools[0].function", "missing_required_parameter", ""},
		{chat, `{` + user + `,"tools":{}}`, "tools", "invalid_type", ""},
		{chat, `{` + user + `,"tools":[{"type":"custom","custom":{"name":"f"}}]}`, "tools[0].type", "unsupported_parameter", "custom"},
		{chat, `{` + user + `,"tools":[{"type":"function","function":{"name":"a b"}}]}`, "tools[0].function.name", "invalid_value", `"a b"`},
		{chat, `{` + user + `,"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"f"}}]}`, "tools[1].function.name", "invalid_value", "before"},
		{chat, `{` + user + `,"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g","parameters":{"type":"object","properties":{"a":{"if":{}}}}}}]}`, "tools[1].function.parameters", "invalid_value", "/properties/a"},
		{chat, `{` + user + `,"tools":[{"type":"function","function":{"name":"f"}},{"type":"function","function":{"name":"g","parameters":{"type":"array"}}}],"tool_choice":{"type":"function","function":{"name":"g"}}}`, "tools[1].function.parameters", "invalid_value", ""},
		{chat, `{` + user + `,"tool_choice":"required"}`, "tool_choice", "invalid_value", "no functions"},
		{chat, `{` + user + `,"tool_choice":"any"}`, "tool_choice", "invalid_value", "any"},
		{chat, `{` + user + `,"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":{"type":"function","function":{"name":"g"}}}`, "tool_choice", "invalid_value", `"g"`},
		{chat, `{` + user + `,"tools":[{"type":"function","function":{"name":"f"}}],"parallel_tool_calls":1}`, "parallel_tool_calls", "invalid_type", ""},
		{chat, `{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}],"tools":[{"type":"function","function":{"name":"f"}}],"tool_choice":"required"}`, "tool_choice", "invalid_value", "continues a text"},
		{chat, `{` + user + `,"tools":[{"type":"function","function":{"name":"f"}}],"response_format":{"type":"json_schema","json_schema":{"schema":{"type":"object","properties":{"tool_calls":{"type":"array"}}}}}}`, "response_format.json_schema.schema", "invalid_value", "begin as a call"},
		{chat, `{` + user + `,"functions":[{"name":"f"}]}`, "functions", "unsupported_parameter", "use tools"},
		{chat, `{` + user + `,"function_call":{"name":"f"}}`, "function_call", "unsupported_parameter", "use tool_choice"},
		{chat, `{` + user + `,"continue_final_message":true}`, "messages", "invalid_value", "assistant"},
		{chat, `{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}],"continue_final_message":true,"add_generation_prompt":true}`, "continue_final_message", "invalid_value", "both true"},
		{chat, `{"messages":[{"role":"user","content":"x"},{"role":"assistant","content":"y"}],"continue_final_message":false}`, "messages", "invalid_value", "last turn"},
		{chat, `{` + user + `,"chat_template_kwargs":[]}`, "chat_template_kwargs", "invalid_type", ""},
		{chat, `{` + user + `,"chat_template_kwargs":{"messages":[]}}`, "chat_template_kwargs.messages", "invalid_value", "variable that the server sets"},
		{chat, `{` + user + `,"reasoning_effort":"high"}`, "reasoning_effort", "unsupported_parameter", ""},
		{chat, `{` + user + `,"echo":true}`, "echo", "unsupported_parameter", ""},
		{chat, `{` + user + `,"prompt":"x"}`, "prompt", "unsupported_parameter", ""},
		{text, `{"prompt":"x","suffix":"y"}`, "suffix", "unsupported_parameter", ""},
		{text, `{"prompt":"x",` + user + `}`, "messages", "unsupported_parameter", ""},
		{text, `{"prompt":"x","top_logprobs":1}`, "top_logprobs", "unsupported_parameter", ""},
		{text, `{"prompt":"x","attributes":{"humor":1}}`, "attributes", "unsupported_parameter", ""},
		// Prompts.
		{text, `{}`, "prompt", "missing_required_parameter", ""},
		{text, `{"prompt":{}}`, "prompt", "invalid_type", ""},
		{text, `{"prompt":[]}`, "prompt", "invalid_type", ""},
		{text, `{"prompt":[[]]}`, "prompt", "invalid_value", "no tokens"},
		{text, `{"prompt":[[1],[]]}`, "prompt[1]", "invalid_value", "no tokens"},
		{text, `{"prompt":[[1],"x"]}`, "prompt[1]", "invalid_type", ""},
		{text, `{"prompt":["x",1]}`, "prompt", "invalid_type", ""},
		{text, `{"prompt":[1,"x"]}`, "prompt", "invalid_type", "token"},
		{text, `{"prompt":[1,null]}`, "prompt", "invalid_type", "null"},
		{text, `{"prompt":[1,1.5]}`, "prompt", "invalid_type", "1.5"},
		{text, `{"prompt":[1,32000]}`, "prompt", "invalid_value", "0 to 31999"},
		{text, `{"prompt":[[1],[1,-1]]}`, "prompt[1]", "invalid_value", "-1"},
		{text, `{"prompt":[1,4294967297]}`, "prompt", "invalid_value", "4294967297"},
		{text, `{"prompt":["a","` + strings.Repeat("word ", 400) + `"]}`, "prompt[1]", "context_length_exceeded", "402 tokens"},
		{text, `{"prompt":[` + strings.Repeat("5,", 299) + `5]}`, "prompt", "context_length_exceeded", "300 tokens"},
		{text, `{"prompt":[` + strings.Repeat(`"a",`, 128) + `"a"]}`, "n", "invalid_value", "129"},
		{text, `{"prompt":["a","b"],"n":100}`, "n", "invalid_value", "200"},
		{text, `{"prompt":"x","max_tokens":-1}`, "max_tokens", "invalid_value", ""},
		{text, `{"prompt":"x","logprobs":21}`, "logprobs", "invalid_value", "0 to 20"},
		{text, `{"prompt":"x","logprobs":true}`, "logprobs", "invalid_type", ""},
		{text, `{"prompt":"x","echo":1}`, "echo", "invalid_type", ""},
		// Tokens.
		{"/tokenize", `{}`, "prompt", "missing_required_parameter", ""},
		{"/tokenize", `{"prompt":5}`, "prompt", "invalid_type", ""},
		{"/tokenize", `{"prompt":"x",` + user + `}`, "prompt", "invalid_value", ""},
		{"/detokenize", `{}`, "tokens", "missing_required_parameter", ""},
		{"/detokenize", `{"tokens":"x"}`, "tokens", "invalid_type", ""},
		{"/detokenize", `{"tokens":[1,-5]}`, "tokens", "invalid_value", "-5"},
	}
	b := newBench(t, failing)
	for _, tt := range tests {
		w := b.post(tt.path, tt.body)
		message, kind, param, code := readError(t, w)
		body := tt.body[:min(len(tt.body), 100)]
		if w.Code != http.StatusBadRequest || kind != "invalid_request_error" {
			t.Errorf("%s %s: %d %s", tt.path, body, w.Code, w.Body)
		}
		if param != tt.param || code != tt.code || !strings.Contains(message, tt.mention) || !strings.Contains(message, tt.param) {
			t.Errorf("%s %s: param %q, code %q, message %q, want %q, %q, %q", tt.path, body, param, code, message, tt.param, tt.code, tt.mention)
		}
	}
	if n := len(b.engine.Calls()); n != 0 {
		t.Errorf("%d bad requests reached the engine", n)
	}
}

// TestRefusalsWithAStatusOfTheirOwn are those that are not 400.
func TestRefusalsWithAStatusOfTheirOwn(t *testing.T) {
	b := newBench(t, failing)
	tests := []struct {
		path, body, header string
		status             int
		code               string
	}{
		{"/v1/completions", `{"prompt":"` + strings.Repeat("x", httpapi.MaxBody) + `"}`, "application/json", 413, "request_too_large"},
		{"/v1/completions", `{"prompt":"x"}`, "text/plain", 415, "unsupported_media_type"},
		{"/v1/completions", `{"prompt":"x"}`, "application/x-www-form-urlencoded", 415, "unsupported_media_type"},
		{"/v1/completions", `{"prompt":"x"}`, "application/json; charset=shift_jis", 415, "unsupported_media_type"},
		{"/v1/completions", `{"prompt":"x"}`, "/;", 415, "unsupported_media_type"},
		{"/v1/completions", `{"prompt":"x","model":"other"}`, "", 404, "model_not_found"},
		{"/v1/nothing", `{}`, "", 404, "unknown_url"},
		{"/v1/models/", `{}`, "", 405, "method_not_supported"},
		{"/v1//completions", `{}`, "", 400, "missing_required_parameter"},
		{"//v1/completions//", `{}`, "", 400, "missing_required_parameter"},
		{"/v1/../v1/completions", `{}`, "", 404, "unknown_url"},
		{"/v1/completions/", `{}`, "", 400, "missing_required_parameter"},
		{"/v1/models", `{}`, "", 405, "method_not_supported"},
	}
	for _, tt := range tests {
		w := b.post(tt.path, tt.body, "Content-Type", tt.header)
		if _, _, _, code := readError(t, w); w.Code != tt.status || code != tt.code {
			t.Errorf("%s as %q: %d %s, want %d %s", tt.path, tt.header, w.Code, code, tt.status, tt.code)
		}
	}
	if w := b.post("/v1/completions", `{"prompt":"x"}`, "Content-Encoding", "gzip"); w.Code != 415 {
		t.Errorf("a compressed body: %d", w.Code)
	}
	for _, header := range []string{"application/json; charset=UTF-8", "Application/JSON", ""} {
		if w := b.post("/v1/completions", `{"prompt":"x"}`, "Content-Type", header); w.Code != 500 {
			t.Errorf("as %q: %d, expected to reach the engine", header, w.Code)
		}
	}
}

// TestWhatPasses reaches the engine: harmless parameters, neutral values of
// unsupported ones, and unknown parameters.
func TestWhatPasses(t *testing.T) {
	b := newBench(t, saying("y"))
	for _, tt := range []struct{ body, ignored string }{
		{`{"messages":[{"role":"developer","content":"s"},{"role":"user","content":[{"type":"text","text":"x"}],"humor":2}]}`, ""},
		{`{` + user + `,"user":"u","store":true,"metadata":{"a":{"b":[1]}},"service_tier":"auto","parallel_tool_calls":true}`, "metadata service_tier store user"},
		{`{` + user + `,"tools":[],"tool_choice":"auto","response_format":{"type": "text"},"reasoning_effort":null}`, ""},
		{`{` + user + `,"max_completion_tokens":4,"max_tokens":4,"top_k":-1,"frequency_penalty":0.00,"repetition_penalty":1}`, ""},
		{`{` + user + `,"temperature":null,"n":1.0,"top_k":4e1,"seed":-1,"stop":null,"attributes":null,"humor":null}`, ""},
		{`{` + user + `,"best_of":1,"logit_bias":{},"min_tokens":0,"ignore_eos":false,"stop_token_ids":[],"typical_p":1}`, ""},
		{`{` + user + `,"seed":18446744073709551615,"timeout":1e300,"logprobs":false}`, ""},
		{`{` + user + `,"zeta":1,"Temperature":2,"bad,name":1}`, "Temperature bad%2Cname zeta"},
		{`{"messages":[{"role":"user","content":"\ud83d\ude00 \\ud800","name":"n","id":"7"}]}`, "messages[0].id messages[0].name"},
		{`{"messages":[{"role":"user","content":"x","kindness":1,"timestamp":1.5e9,"cached":true,"extra":{"a":[]},"parts":[],"quantity":2}]}`,
			"messages[0].cached messages[0].extra messages[0].kindness messages[0].parts messages[0].quantity messages[0].timestamp"},
	} {
		w := b.post("/v1/chat/completions", tt.body)
		if ignored := strings.Join(w.Header().Values(httpapi.IgnoredHeader), " "); w.Code != 200 || ignored != tt.ignored {
			t.Errorf("%s: %d, ignored %q: %s", tt.body, w.Code, ignored, w.Body)
		}
	}
}
