package responses

import (
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// TestRefusals: the parameter, the code and a word of the message of everything
// that cannot be served.
func TestRefusals(t *testing.T) {
	b := newBench(t, chat.KarakuriTemplate, "x")
	const function = `"tools":[{"type":"web_search"},{"type":"function","name":"f","parameters":{"type":"object","properties":{"a":{"not":5}}}}]`
	for _, tt := range []struct{ body, param, code, mention string }{
		{`{}`, "input", httpapi.CodeMissing, "a text, or a list of items"},
		{`{"input":5}`, "input", httpapi.CodeType, "a number"},
		{`{"input":[5]}`, "input[0]", httpapi.CodeType, "a number"},
		{`{"input":[{}]}`, "input[0].role", httpapi.CodeMissing, ""},
		{`{"input":[{"role":"tool","content":"x"}]}`, "input[0].role", httpapi.CodeValue, "developer"},
		{`{"input":[{"role":"user"}]}`, "input[0].content", httpapi.CodeMissing, ""},
		{`{"input":[{"role":"user","content":[{"type":"input_image","image_url":"x"}]}]}`, "input[0].content[0].type", httpapi.CodeUnsupported, "only text"},
		{`{"input":[{"role":"user","content":[{"type":"input_text"}]}]}`, "input[0].content[0].text", httpapi.CodeMissing, ""},
		{`{"input":[{"role":"user","content":"x","humoor":1}]}`, "input[0].humoor", httpapi.CodeValue, "humor"},
		{`{"input":[{"role":"assistant","content":"x","humor":1}]}`, "input[0].humor", httpapi.CodeValue, "assistant"},
		{`{"input":[{"type":"item_reference","id":"msg_1"}]}`, "input[0].type", httpapi.CodeUnsupported, "stores no items"},
		{`{"input":[{"id":"msg_1"}]}`, "input[0].type", httpapi.CodeUnsupported, "stores no items"},
		{`{"input":[{"type":"web_search_call","id":"ws_1"}]}`, "input[0].type", httpapi.CodeUnsupported, "web_search_call"},
		{`{"input":[{"type":"function_call","call_id":"c","arguments":"{}"}]}`, "input[0].name", httpapi.CodeMissing, ""},
		{`{"input":[{"type":"function_call_output","call_id":"c"}]}`, "input[0].output", httpapi.CodeMissing, ""},
		{`{"input":[{"role":"assistant","content":"x"}]}`, "input", httpapi.CodeValue, "last turn"},
		{`{"input":"` + strings.Repeat("word ", 1200) + `"}`, "input", httpapi.CodeContext, "holds 1000"},
		{`{"input":"x","previous_response_id":"resp_1"}`, "previous_response_id", httpapi.CodeUnsupported, "stores no answers"},
		{`{"input":"x","conversation":"conv_1"}`, "conversation", httpapi.CodeUnsupported, "stores no answers"},
		{`{"prompt":{"id":"pmpt_1"},"input":"x"}`, "prompt", httpapi.CodeUnsupported, "stores no prompts"},
		{`{"input":"x","background":true}`, "background", httpapi.CodeUnsupported, "stores no answers"},
		{`{"input":"x","humor":3}`, "humor", httpapi.CodeUnsupported, "attributes"},
		{`{"input":"x","max_output_tokens":0}`, "max_output_tokens", httpapi.CodeValue, ""},
		{`{"input":"x","temperature":3}`, "temperature", httpapi.CodeValue, ""},
		{`{"input":"x","truncation":"middle"}`, "truncation", httpapi.CodeValue, ""},
		{`{"input":"x","top_logprobs":21}`, "top_logprobs", httpapi.CodeValue, ""},
		{`{"input":"x","include":[1]}`, "include", httpapi.CodeType, ""},
		{`{"input":"x","text":{"format":{"type":"xml"}}}`, "text.format.type", httpapi.CodeValue, "json_schema"},
		{`{"input":"x","text":{"format":{"type":"json_schema"}}}`, "text.format.schema", httpapi.CodeMissing, ""},
		{`{"input":"x","text":{"format":{"type":"json_schema","schema":{"type":5}}}}`, "text.format.schema", httpapi.CodeValue, ""},
		{`{"input":"x","tool_choice":"required"}`, "tool_choice", httpapi.CodeValue, "no functions"},
		{`{"input":"x","tool_choice":"some"}`, "tool_choice", httpapi.CodeValue, "required"},
		{`{"input":"x","tool_choice":{"type":"web_search"}}`, "tool_choice.type", httpapi.CodeUnsupported, "web_search"},
		{`{"input":"x","tools":[{"type":"function","name":"f"}],"tool_choice":{"type":"function","name":"g"}}`, "tool_choice", httpapi.CodeValue, `"g"`},
		{`{"input":"x","tools":[{"type":"function"}]}`, "tools[0].name", httpapi.CodeMissing, ""},
		{`{"input":"x",` + function + `}`, "tools[1].parameters", httpapi.CodeValue, "/properties/a"},
	} {
		_, got := post(t, b, tt.body, 400)
		if got["param"] != tt.param || got["code"] != tt.code || !strings.Contains(got["message"].(string), tt.mention) {
			t.Errorf("%.150s: %v, want %s %s %q", tt.body, got, tt.param, tt.code, tt.mention)
		}
	}
}

// TestIgnoredIsNamed wherever it stands.
func TestIgnoredIsNamed(t *testing.T) {
	b := newBench(t, chat.KarakuriTemplate, "x")
	for _, tt := range []struct{ body, ignored string }{
		{`{"input":"x"}`, ""},
		{`{"input":"x","store":true,"user":"u","service_tier":"auto","max_tool_calls":3}`, "max_tool_calls service_tier store user"},
		{`{"input":"x","tools":[{"type":"web_search","size":"low"},{"type":"function","name":"f","defer_loading":true}]}`,
			"tools[0].size tools[0].type tools[1].defer_loading"},
		{`{"input":"x","include":["reasoning.encrypted_content","message.output_text.logprobs"],"truncation":"auto"}`, "include[0] truncation"},
		{`{"input":"x","reasoning":{"effort":"low","summary":"auto"},"chat_template_kwargs":{"a":1}}`, "chat_template_kwargs.a reasoning.effort reasoning.summary"},
		{`{"input":"x","text":{"verbosity":"low","format":{"type":"json_object","x":1}}}`, "text.format.x text.verbosity"},
		{`{"input":[{"role":"user","content":[{"type":"input_text","text":"x","prompt_cache_breakpoint":{"mode":"explicit"}}],"zeta":1}],"stream_options":{"include_obfuscation":true}}`,
			"input[0].content[0].prompt_cache_breakpoint input[0].zeta stream_options.include_obfuscation"},
		{`{"input":[{"role":"user","content":"x"},{"type":"reasoning","id":"rs_1","summary":[],"encrypted_content":"e"},
			{"type":"message","id":"m","role":"assistant","status":"completed","content":[{"type":"output_text","text":"a","annotations":[],"logprobs":[]}]},{"role":"user","content":"y"}]}`,
			"input[1].encrypted_content"},
	} {
		header, _ := post(t, b, tt.body, 200)
		names := header.Values(httpapi.IgnoredHeader)
		slices.Sort(names)
		if got := strings.Join(names, " "); got != tt.ignored {
			t.Errorf("%s: %q is ignored, want %q", tt.body, got, tt.ignored)
		}
	}
}

// TestItemsBecomeAConversation: what the model reads of items.
func TestItemsBecomeAConversation(t *testing.T) {
	b := newBench(t, chat.KarakuriTemplate, "x")
	for _, tt := range []struct{ body, want string }{
		{`{"instructions":"Be brief.","input":[{"role":"developer","content":"Be kind."},{"role":"user","content":"a"},{"role":"user","content":[{"type":"input_text","text":"b"},{"type":"input_text","text":"c"}],"humor":3}]}`,
			"<<SYS>>\nBe brief.\n\nBe kind.\n<</SYS>>\n\na\n\nbc [ATTR] helpfulness: 4 correctness: 4 coherence: 4 complexity: 4 verbosity: 4 quality: 4 toxicity: 0 humor: 3 creativity: 0 [/ATTR]"},
		{`{"input":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"output_text","text":"Let me see."}]},
			{"type":"function_call","call_id":"c","name":"f","arguments":"{\"x\": 1}"},{"type":"function_call_output","call_id":"c","output":"sunny"}]}`,
			"Let me see.\n{\"tool_calls\": [{\"name\": \"f\", \"arguments\": {\"x\": 1}}]} [INST] f returned:\nsunny"},
		{`{"input":""}`, "[INST]  [ATTR]"},
		{`{"input":[]}`, "[INST]  [ATTR]"},
	} {
		post(t, b, tt.body, 200)
		calls := b.Engine.Calls()
		prompt := b.Tokenizer.Decode(calls[len(calls)-1].Request.Prompt)
		if !strings.Contains(prompt, tt.want) {
			t.Errorf("%s:\n%q has no\n%q", tt.body, prompt, tt.want)
		}
	}
}
