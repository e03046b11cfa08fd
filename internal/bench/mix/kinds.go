package mix

import (
	"fmt"
	"maps"
	"slices"
)

// MinTokens is the largest min_tokens of a request: an answer may have as many.
const MinTokens = 30

// kind is a kind of requests.
type kind struct {
	chat bool   // of /v1/chat/completions, otherwise of /v1/completions
	body string // members of a JSON object; %d is a number
}

var kinds = map[string]kind{
	"plain":       {false, `"prompt":"The %d","temperature":0`},
	"seeded":      {false, `"prompt":"Seed %d","temperature":0.9,"top_p":0.9,"seed":7`},
	"n":           {false, `"prompt":"Two %d","temperature":1,"seed":8,"n":2`},
	"logprobs":    {false, `"prompt":"Log %d","temperature":0.8,"seed":9,"logprobs":3`},
	"penalties":   {false, `"prompt":"Pen %d","temperature":0.7,"seed":2,"repetition_penalty":1.2,"frequency_penalty":0.5,"presence_penalty":0.2,"logit_bias":{"300":2},"min_tokens":30`},
	"stop":        {false, `"prompt":"Stop %d","temperature":1,"seed":4,"stop":["a","zz"],"min_tokens":20`},
	"regex":       {false, `"prompt":"Re %d","temperature":1,"seed":5,"structured_outputs":{"regex":"([a-z]{3,9} ){8,12}[0-9]{9}"}`},
	"choice":      {false, `"prompt":"Ch %d","temperature":1,"seed":6,"structured_outputs":{"choice":["the quick brown fox jumps","over the lazy dog again"]}`},
	"JSON Schema": {true, `"messages":[{"role":"user","content":"Schema %d"}],"temperature":1,"seed":1,"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"type":"object","properties":{"name":{"type":"string","minLength":12,"maxLength":30},"ages":{"type":"array","items":{"type":"integer"},"minItems":6,"maxItems":9}},"required":["name","ages"],"additionalProperties":false}}}`},
	"tools":       {true, `"messages":[{"role":"user","content":"Tool %d"}],"temperature":1,"seed":3,"tool_choice":"required","tools":[{"type":"function","function":{"name":"weather","parameters":{"type":"object","properties":{"city":{"type":"string","minLength":20,"maxLength":40},"days":{"type":"integer"}},"required":["city","days"],"additionalProperties":false}}}]`},
	"chat":        {true, `"messages":[{"role":"user","content":"Chat %d"}],"temperature":0.8,"seed":3,"logprobs":true,"top_logprobs":2`},
}

// Request is a request of a kind.
type Request struct {
	Name   string // of its kind
	Path   string // of the HTTP API
	Body   string // JSON
	Stream bool
}

// Requests are n requests of at most some tokens: each kind once as a stream, then
// each once as a whole answer, then again with another number.
func Requests(n, maxTokens int) []Request {
	names := slices.Sorted(maps.Keys(kinds))
	out := make([]Request, n)
	for i := range out {
		name, round := names[i%len(names)], i/len(names)
		r := Request{Name: name, Path: "/v1/completions", Stream: round%2 == 0}
		if kinds[name].chat {
			r.Path = "/v1/chat/completions"
		}
		r.Body = fmt.Sprintf(`{"max_tokens":%d,"stream":%v,%s}`, maxTokens, r.Stream, Members(name, round/2))
		out[i] = r
	}
	return out
}

// Kinds is how many kinds there are.
func Kinds() int { return len(kinds) }

// Members are those of the JSON object of a request of a kind, with a number.
func Members(name string, number int) string { return fmt.Sprintf(kinds[name].body, number) }
