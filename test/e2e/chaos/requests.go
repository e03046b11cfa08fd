package chaos

import (
	"context"
	"fmt"

	"github.com/hachi-serve/hachi/internal/bench/mix"
	"github.com/hachi-serve/hachi/test/e2e/internal/harness"
)

// request is one that is asked again and again.
type request struct {
	path string
	body string // JSON; %v is whether it streams
}

// ask returns what of an answer must not depend on faults.
func (r request) ask(ctx context.Context, url string) (string, error) {
	answer, err := harness.Post(ctx, url+r.path, []byte(r.body))
	if err != nil {
		return "", err
	}
	return mix.Fold(answer)
}

// requests are of every kind that a client may ask; each is asked as a stream and as
// one answer.
func requests() []request {
	chat, completions := "/v1/chat/completions", "/v1/completions"
	message := func(text string) string { return `"messages":[{"role":"user","content":"` + text + `"}]` }
	kinds := []request{
		{chat, `{"stream":%v,"max_tokens":48,"temperature":0,` + message("What is 12 + 35?") + `}`},
		{chat, `{"stream":%v,"max_tokens":96,"temperature":0.9,"seed":8,` + message("日本の首都は？") + `}`},
		{chat, `{"stream":%v,"max_tokens":64,"temperature":1,"seed":3,"n":2,"logprobs":true,"top_logprobs":3,` + message("Tell me about the sea.") + `}`},
		{chat, `{"stream":%v,"max_tokens":64,"temperature":1,"seed":5,"repetition_penalty":1.2,"frequency_penalty":0.5,"stop":["\n","。"],` + message("好きな食べ物は何ですか？") + `}`},
		{chat, `{"stream":%v,"max_tokens":128,"temperature":1,"seed":6,"response_format":{"type":"json_schema","json_schema":{"name":"p","schema":` +
			`{"type":"object","properties":{"name":{"type":"string","maxLength":12},"age":{"type":"integer","minimum":0,"maximum":150}},"required":["name","age"],"additionalProperties":false}}},` +
			message("A person, please.") + `}`},
		{chat, `{"stream":%v,"max_tokens":128,"temperature":1,"seed":7,"tool_choice":"required","tools":[{"type":"function","function":{"name":"weather","parameters":` +
			`{"type":"object","properties":{"city":{"enum":["東京","Osaka"]},"days":{"type":"integer","minimum":1,"maximum":7}},"required":["city","days"],"additionalProperties":false}}}],` +
			message("Weather in Osaka?") + `}`},
		{completions, `{"stream":%v,"max_tokens":40,"temperature":1,"seed":9,"structured_outputs":{"regex":"[a-z]{10,30}( [0-9]{2,4}){3}"},"prompt":"A code:"}`},
		{completions, `{"stream":%v,"max_tokens":64,"min_tokens":32,"temperature":0.7,"seed":10,"logprobs":2,"prompt":["Once upon a time","昔々"]}`},
	}
	var out []request
	for _, k := range kinds {
		for _, stream := range []bool{true, false} {
			out = append(out, request{k.path, fmt.Sprintf(k.body, stream)})
		}
	}
	return out
}
