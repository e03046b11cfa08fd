package api

// requests have, by path, every key that a route knows, at every depth, with values
// that are served. TestNoOtherKeyIsKnown fails if a route knows another.
var requests = map[string][]string{
	"/v1/chat/completions": {
		`{"model":"org/m","messages":[{"role":"system","content":[{"type":"text","text":"s"}]},{"role":"user","content":"x","humor":1},
			{"role":"assistant","content":null,"reasoning_content":"r","reasoning":"r","tool_calls":[{"id":"c1","type":"function","function":{"name":"f","arguments":"{}"}}]},
			{"role":"tool","tool_call_id":"c1","name":"f","content":"y"}],` + functionTools + `,
		"tool_choice":{"type":"allowed_tools","allowed_tools":{"mode":"auto","tools":[{"type":"function","function":{"name":"f"}}]}},"parallel_tool_calls":false,
		"attributes":{"quality":3},"stream":true,"stream_options":{"include_usage":true,"include_nodes":true},"n":2,"logprobs":true,"top_logprobs":2,
		"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"array"}}},` + sampling + `,"stop":["q"],"chat_template_kwargs":{},"max_completion_tokens":7,"max_tokens":7}`,
		`{"messages":[{"role":"developer","content":"d"},` + everyAttribute + `,{"role":"assistant","content":"{"}],"continue_final_message":true,
		"add_generation_prompt":false,"prompt_logprobs":0,"response_format":{"type":"json_object","schema":{"type":"object"}},"max_completion_tokens":7}`,
		`{"messages":[{"role":"user","content":"x"}],` + functionTools + `,"tool_choice":{"type":"function","function":{"name":"f"}},` + allAttributes + `}`,
		`{"messages":[{"role":"user","content":"x"}],"tool_choice":"none","structured_outputs":{"json":{"type":"array"},"json_object":false}}`,
		`{"messages":[{"role":"user","content":"x"}],"structured_outputs":{"choice":["{}"]}}`,
	},
	"/v1/completions": {
		`{"model":"org/m","prompt":"x","echo":true,"logprobs":1,"best_of":2,"n":2,` + sampling + `,"stop":"q","max_tokens":7,
		"structured_outputs":{"regex":"a*"},"prompt_logprobs":0}`,
		`{"prompt":["x"],"stream":true,"stream_options":{"include_usage":true,"include_nodes":true},"structured_outputs":{"json_object":true},"max_completion_tokens":7}`,
		`{"prompt":[5],"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"array"}}}}`,
		`{"prompt":[[5]],"response_format":{"type":"json_object","schema":{"type":"array"}},"structured_outputs":null}`,
	},
	"/tokenize": {
		`{"model":"org/m","prompt":"x","add_special_tokens":true}`,
		`{"messages":[{"role":"user","content":"x"}],` + functionTools + `,"tool_choice":"auto","parallel_tool_calls":true,"attributes":{"quality":3},
		"chat_template_kwargs":{},"add_generation_prompt":true,"continue_final_message":false,"add_special_tokens":false}`,
		`{"messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_schema","json_schema":{"name":"n","strict":true,"schema":{"type":"array"}}}}`,
		`{"messages":[{"role":"user","content":"x"}],"structured_outputs":{"json":{"type":"array"},"json_object":false}}`,
		`{"messages":[{"role":"user","content":"x"}],"structured_outputs":{"choice":["{}"]}}`,
		`{"messages":[{"role":"user","content":"x"}],"structured_outputs":{"regex":"a*"}}`,
		`{"messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_object","schema":{"type":"object"}}}`,
	},
	"/detokenize":                {`{"model":"org/m","tokens":[5]}`},
	"/v1/responses":              responsesRequests,
	"/v1/responses/input_tokens": responsesRequests,
	"/v1/messages": {
		`{` + messagesRequest + `,"stream":true,"chat_template_kwargs":{},` + sampling + `,"stop_sequences":["q"],"max_tokens":7}`,
		`{"system":"s","messages":[{"role":"user","content":"x"}],"tools":[{"name":"f","input_schema":{"type":"object"}}],"tool_choice":{"type":"tool","name":"f"},"max_tokens":7}`,
	},
	"/v1/messages/count_tokens": {`{` + messagesRequest + `,"chat_template_kwargs":{}}`},
}

var responsesRequests = []string{
	`{"model":"org/m","instructions":"i","input":[{"type":"message","role":"user","content":[{"type":"input_text","text":"x"}],"humor":1},
			{"type":"reasoning","id":"rs_1","status":"completed","summary":[{"type":"summary_text","text":"s"}]},
			{"type":"reasoning","id":"rs_1","status":"completed","summary":[],"content":[{"type":"reasoning_text","text":"r"}]},
			{"type":"message","id":"msg_1","status":"completed","phase":"commentary","role":"assistant",
				"content":[{"type":"output_text","text":"a","annotations":[],"logprobs":[]},{"type":"refusal","refusal":"no"}]},
			{"type":"function_call","id":"fc_1","status":"completed","call_id":"c1","name":"f","arguments":"{}"},
			{"type":"function_call_output","id":"fo_1","status":"completed","call_id":"c1","output":[{"type":"input_text","text":"y"}]},` + everyAttribute + `],
		"tools":[{"type":"function","name":"f","description":"d","strict":true,"parameters":{"type":"object"}}],
		"tool_choice":{"type":"allowed_tools","mode":"auto","tools":[{"type":"function","name":"f"},{"type":"function","name":"f"}]},"parallel_tool_calls":false,
		` + allAttributes + `,"stream":true,"stream_options":{"include_obfuscation":false},"text":{"format":{"type":"json_schema","name":"n","strict":true,"schema":{"type":"array"}}},
		"metadata":{"a":"b"},"include":["message.output_text.logprobs"],"top_logprobs":2,"truncation":"disabled","background":false,` + sampling + `,"stop":["q"],"chat_template_kwargs":{},"reasoning":{},"max_output_tokens":7}`,
	`{"input":"x","tools":[{"type":"function","name":"f"}],"tool_choice":{"type":"function","name":"f"},"text":{"format":{"type":"text"}}}`,
}

const messagesRequest = `"model":"org/m","system":[{"type":"text","text":"s"}],"messages":[{"role":"user","content":[{"type":"text","text":"x"}],"humor":1},
			{"role":"assistant","content":[{"type":"thinking","thinking":"t","signature":"s"},{"type":"text","text":"a"},{"type":"tool_use","id":"c1","name":"f","input":{}}]},
			{"role":"user","content":[{"type":"tool_result","tool_use_id":"c1","is_error":true,"content":[{"type":"text","text":"y"}]},{"type":"text","text":"z"}]},
			` + everyAttribute + `],
		"tools":[{"type":"custom","name":"f","description":"d","strict":true,"input_schema":{"type":"object"}}],
		"tool_choice":{"type":"auto","disable_parallel_tool_use":true},` + allAttributes + `,
		"thinking":{"type":"disabled"},"output_config":{"format":{"type":"json_schema","schema":{"type":"array"}}}`

// sampling are the parameters of package generation.
const sampling = `"temperature":1,"top_p":0.9,"top_k":5,"min_p":0.1,"typical_p":0.9,"repetition_penalty":1.1,"frequency_penalty":0.1,
	"presence_penalty":0.1,"logit_bias":{"5":1},"min_tokens":1,"seed":7,"stop_token_ids":[13],"ignore_eos":false,"cache_salt":"s",
	"priority":1,"timeout":5,"on_missing_expert":"wait"`

const functionTools = `"tools":[{"type":"function","function":{"name":"f","description":"d","strict":true,"parameters":{"type":"object"}}}]`

const (
	attributeValues = `"helpfulness":1,"correctness":1,"coherence":1,"complexity":1,"verbosity":1,"quality":1,"toxicity":1,"humor":1,"creativity":1`
	allAttributes   = `"attributes":{` + attributeValues + `}`
	everyAttribute  = `{"role":"user","content":"x",` + attributeValues + `}`
)

// alternatives are the kinds that a place may have beside that of its value in
// requests and null, which is the same as absent. Elements have [*] for a number.
var alternatives = map[string][]string{
	"stop": {"string", "list"}, "stop_sequences": {"string", "list"}, "prompt": {"string", "list"}, "prompt[*]": {"string", "number", "list"},
	"system": {"string", "list"}, "input": {"string", "list"}, "tool_choice": {"string", "object"},
	"messages[*].content": {"string", "list"}, "input[*].content": {"string", "list"}, "input[*].output": {"string", "list"},
	"messages[*].content[*].content": {"string", "list"}, "structured_outputs.json": {"string", "object"},
}

// described are places that say something of an answer which is sent back. They are
// accepted whatever they are, and ask for nothing.
var described = map[string][]string{
	"/v1/responses": {"input[*].id", "input[*].status", "input[*].phase", "input[*].content[*].annotations", "input[*].content[*].logprobs"},
	"/v1/messages":  {"messages[*].content[*].signature"},
}

// opaque are the ends of the paths of objects whose members are the client's, or those
// of a JSON Schema, which package schema walks.
var opaque = []string{"metadata", ".input", "schema", ".parameters", ".json"}
