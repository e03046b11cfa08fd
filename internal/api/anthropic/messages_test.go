package anthropic

import (
	"slices"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// TestRefusalsNameThePlace of everything that cannot be served.
func TestRefusalsNameThePlace(t *testing.T) {
	b := apitest.New(t, chat.KarakuriTemplate, apitest.Say("x"))
	const history = `{"max_tokens":5,"messages":[{"role":"user","content":"x"},`
	for _, tt := range []struct{ body, message string }{
		{`{"max_tokens":5}`, "messages is missing"},
		{`{"max_tokens":5,"messages":[]}`, "messages is empty"},
		{`{"messages":[{"role":"user","content":"x"}]}`, "max_tokens is missing"},
		{`{` + user + `,"max_tokens":0}`, "max_tokens is 0"},
		{`{"max_tokens":5,"messages":[{"content":"x"}]}`, "messages[0].role is missing"},
		{`{"max_tokens":5,"messages":[{"role":"tool","content":"x"}]}`, `messages[0].role is "tool"`},
		{`{"max_tokens":5,"messages":[{"role":"user"}]}`, "messages[0].content is missing"},
		{`{"max_tokens":5,"messages":[{"role":"user","content":5}]}`, "messages[0].content is a number"},
		{`{"max_tokens":5,"messages":[{"role":"user","content":[{"type":"image","source":{}}]}]}`, `messages[0].content[0].type is "image"`},
		{`{"max_tokens":5,"messages":[{"role":"user","content":[{"type":"document","source":{}}]}]}`, `messages[0].content[0].type is "document"`},
		{`{"max_tokens":5,"messages":[{"role":"user","content":[{"type":"text"}]}]}`, "messages[0].content[0].text is missing"},
		{`{"max_tokens":5,"messages":[{"role":"user","content":"x","humoor":1}]}`, "did you mean humor"},
		{history + `{"role":"assistant","content":[{"type":"server_tool_use","id":"s","name":"web_search","input":{}}]}]}`, `messages[1].content[0].type is "server_tool_use"`},
		{history + `{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"f"}]}]}`, "messages[1].content[0].input is missing"},
		{history + `{"role":"assistant","content":[{"type":"tool_use","id":"c","name":"f","input":"x"}]}]}`, "messages[1].content[0].input is a string"},
		{history + `{"role":"assistant","content":"a"},{"role":"user","content":[{"type":"tool_result"}]}]}`, "messages[2].content[0].tool_use_id is missing"},
		{history + `{"role":"assistant","content":"a"},{"role":"user","humor":1,"content":[{"type":"tool_result","tool_use_id":"c"}]}]}`, "messages[2].content does not end with a text"},
		{history + `{"role":"assistant","content":"a"},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":[{"type":"image"}]}]}]}`,
			`messages[2].content[0].content[0].type is "image"`},
		{`{` + user + `,"max_tokens":5,"system":5}`, "system is a number"},
		{`{` + user + `,"max_tokens":5,"stop_sequences":[""]}`, "stop_sequences has an empty text"},
		{`{` + user + `,"max_tokens":5,"temperature":3}`, "temperature is 3"},
		{`{` + user + `,"max_tokens":5,"humor":3}`, "humor is an attribute"},
		{`{` + user + `,"max_tokens":5,"thinking":{"type":"x"}}`, "thinking.type is"},
		{`{` + user + `,"max_tokens":5,"output_config":{"format":{"type":"x"}}}`, "output_config.format.type is"},
		{`{` + user + `,"max_tokens":5,"output_config":{"format":{"type":"json_schema","schema":{"type":5}}}}`, "output_config.format.schema cannot be compiled"},
		{`{` + user + `,"max_tokens":5,"tools":[{"name":"f"}]}`, "tools[0].input_schema is missing"},
		{`{` + user + `,"max_tokens":5,"tools":[{"type":"bash_20250124","name":"bash"},{"name":"f","input_schema":{"type":5}}]}`, "tools[1].input_schema /type"},
		{`{` + user + `,"max_tokens":5,"tool_choice":{"type":"any"}}`, "there are no functions"},
		{`{` + user + `,"max_tokens":5,"tool_choice":{"type":"some"}}`, `tool_choice.type is "some"`},
		{`{"max_tokens":5,"messages":[{"role":"user","content":"` + strings.Repeat("word ", 1200) + `"}]}`, "holds 1000"},
	} {
		w := b.Post("/v1/messages", tt.body, New(b.Config))
		if kind, message := readError(t, w); w.Code != 400 || kind != "invalid_request_error" || !strings.Contains(message, tt.message) {
			t.Errorf("%.150s: %d %s %q, want %q", tt.body, w.Code, kind, message, tt.message)
		}
	}
}

// TestIgnoredIsNamed wherever it stands.
func TestIgnoredIsNamed(t *testing.T) {
	b := apitest.New(t, chat.KarakuriTemplate, apitest.Say("x"))
	for _, tt := range []struct{ more, ignored string }{
		{`"stream":false`, ""},
		{`"metadata":{"user_id":"u"},"service_tier":"auto","container":null,"mcp_servers":[]`, "container mcp_servers metadata service_tier"},
		{`"thinking":{"type":"enabled","budget_tokens":1024}`, "thinking.budget_tokens thinking.type"},
		{`"thinking":{"type":"disabled"}`, ""},
		{`"system":[{"type":"text","text":"s","cache_control":{"type":"ephemeral"}}],"output_config":{"effort":"low"}`, "output_config.effort system[0].cache_control"},
		{`"tools":[{"name":"f","input_schema":{"type":"object"},"cache_control":{"type":"ephemeral"}},{"type":"web_search_20250305","name":"web_search","max_uses":5}]`,
			"tools[0].cache_control tools[1].max_uses tools[1].name tools[1].type"},
	} {
		header, _ := post(t, b, `{`+user+`,"max_tokens":5,`+tt.more+`}`)
		names := header.Values(httpapi.IgnoredHeader)
		slices.Sort(names)
		if got := strings.Join(names, " "); got != tt.ignored {
			t.Errorf("%s: %q is ignored, want %q", tt.more, got, tt.ignored)
		}
	}
}

// TestBlocksBecomeAConversation: what the model reads of content blocks.
func TestBlocksBecomeAConversation(t *testing.T) {
	b := apitest.New(t, chat.KarakuriTemplate, apitest.Say("x"))
	for _, tt := range []struct{ body, want string }{
		{`"system":[{"type":"text","text":"Be "},{"type":"text","text":"brief."}],"messages":[{"role":"user","content":"a"},{"role":"user","content":[{"type":"text","text":"b"},{"type":"text","text":"c"}],"humor":3}]`,
			"<<SYS>>\nBe brief.\n<</SYS>>\n\na\n\nbc [ATTR] helpfulness: 4 correctness: 4 coherence: 4 complexity: 4 verbosity: 4 quality: 4 toxicity: 0 humor: 3 creativity: 0 [/ATTR]"},
		{`"messages":[{"role":"user","content":"a"},{"role":"assistant","content":[{"type":"thinking","thinking":"t"},{"type":"text","text":"Let me see."},
			{"type":"tool_use","id":"c","name":"f","input":{"x": 1}}]},{"role":"user","content":[{"type":"tool_result","tool_use_id":"c","content":"down","is_error":true},{"type":"text","text":"Well?"}]}]`,
			"Let me see.\n{\"tool_calls\": [{\"name\": \"f\", \"arguments\": {\"x\": 1}}]} [INST] f returned:\nError: down\n\nWell? [ATTR]"},
		{`"messages":[{"role":"user","content":"a"},{"role":"system","content":"b"},{"role":"assistant","content":"c"},{"role":"user","content":"d"},{"role":"system","content":"e"}]`,
			"[INST] a\n\nb [ATTR] helpfulness: 4 correctness: 4 coherence: 4 complexity: 4 verbosity: 4 quality: 4 toxicity: 0 humor: 0 creativity: 0 [/ATTR] [/INST]c [INST] d\n\ne [ATTR]"},
		{`"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"b"},{"role":"user","content":[{"type":"text","text":""}]}]`, "b [INST]  [ATTR]"},
		{`"messages":[{"role":"user","content":"a"},{"role":"assistant","content":"It is"}]`, "[/INST]It is"},
	} {
		post(t, b, `{"max_tokens":5,`+tt.body+`}`)
		calls := b.Engine.Calls()
		if prompt := b.Tokenizer.Decode(calls[len(calls)-1].Request.Prompt); !strings.Contains(prompt, tt.want) {
			t.Errorf("%s:\n%q has no\n%q", tt.body, prompt, tt.want)
		}
	}
}
