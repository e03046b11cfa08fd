package hostile

import (
	"fmt"
	"strings"
)

// Body is a request that is made to cost its server much.
type Body struct {
	Name string
	Path string
	JSON string
}

// Size is the length of a body, bytes: what the router reads at most.
const Size = 8 << 20

// Bodies are one of each kind.
func Bodies() []Body {
	chat, completions := "/v1/chat/completions", "/v1/completions"
	user := `"max_tokens":1,"messages":[{"role":"user","content":"hi"}]`
	return []Body{
		{"a text", chat, fill(`{"messages":[{"role":"user","content":"`, "many words ", `"}]}`)},
		{"a text in Japanese", chat, fill(`{"messages":[{"role":"user","content":"`, "長い文。", `"}]}`)},
		{"one long word", completions, fill(`{"prompt":"`, "a", `"}`)},
		{"messages", chat, list(`{"messages":[`, `{"role":"user","content":"a"}`, `]}`)},
		{"tokens", completions, list(`{"prompt":[`, "1", `]}`)},
		{"prompts", completions, list(`{"prompt":[`, `"a"`, `]}`)},
		{"a schema of many texts", chat, list(`{`+user+`,"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"enum":[`, `"a text"`, `]}}}}`)},
		{"a schema of many properties", chat, properties(user)},
		{"a regular expression", chat, fill(`{`+user+`,"structured_outputs":{"regex":"`, "(a|b)", `"}}`)},
		{"tools", chat, list(`{`+user+`,"tools":[`, `{"type":"function","function":{"name":"f","parameters":{"type":"object"}}}`, `]}`)},
		{"a deep value", chat, `{` + user + `,"metadata":` + strings.Repeat("[", Size/2) + `}`},
		{"an ignored value", chat, list(`{`+user+`,"metadata":{"list":[`, `{"a":1}`, `]}}`)},
		{"white space", chat, fill(`{`, " ", user+`}`)},
		{"items", "/v1/responses", list(`{"input":[`, `{"role":"user","content":"a"}`, `]}`)},
		{"blocks", "/v1/messages", list(`{"max_tokens":1,"messages":[{"role":"user","content":[`, `{"type":"text","text":"a"}`, `]}]}`)},
	}
}

// fill repeats a piece between two ends, up to Size.
func fill(head, piece, tail string) string {
	return head + strings.Repeat(piece, (Size-len(head)-len(tail))/len(piece)) + tail
}

// list repeats an element of a list between two ends, up to Size.
func list(head, element, tail string) string {
	return fill(head+element, ","+element, tail)
}

// properties is a schema with as many properties as a body holds.
func properties(user string) string {
	var b strings.Builder
	b.WriteString(`{` + user + `,"response_format":{"type":"json_schema","json_schema":{"name":"n","schema":{"type":"object","properties":{"p":{}`)
	for i := 0; b.Len() < Size-64; i++ {
		fmt.Fprintf(&b, `,"p%d":{"type":"integer"}`, i)
	}
	b.WriteString(`}}}}}`)
	return b.String()
}
