//go:build !race

// The race detector allocates beside the program.

package api

import (
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/api/admission"
	"github.com/hachi-serve/hachi/internal/api/apitest"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// longContext is that of Mixtral, in tokens.
const longContext = 32768

// fill repeats a part, with a comma between, to a body of the maximum size.
func fill(head, part, tail string) string {
	n := (httpapi.MaxBody - len(head) - len(tail)) / (len(part) + 1)
	return head + strings.Repeat(part+",", n-1) + part + tail
}

// long is a body of the maximum size with one long text.
func long(head, part, tail string) string {
	return head + strings.Repeat(part, (httpapi.MaxBody-len(head)-len(tail))/len(part)) + tail
}

// incompressible is a text of n bytes in which no word ends.
func incompressible(n int) string {
	r := rand.NewChaCha8([32]byte{1})
	raw := make([]byte, n*3/4)
	_, _ = r.Read(raw)
	return base64.RawStdEncoding.EncodeToString(raw)
}

// hostile are bodies that must be refused, by path and name.
func hostile() map[string]map[string]string {
	const user = `"messages":[{"role":"user","content":"x"}]`
	numbered := func(head, format, tail string) string {
		var b strings.Builder
		b.WriteString(head)
		for i := 0; b.Len() < httpapi.MaxBody-100; i++ {
			if i > 0 {
				b.WriteByte(',')
			}
			fmt.Fprintf(&b, format, i)
		}
		b.WriteString(tail)
		return b.String()
	}
	return map[string]map[string]string{
		"/v1/chat/completions": {
			"one long text":                  long(`{"messages":[{"role":"user","content":"`, "a", `"}]}`),
			"one text of escapes":            long(`{"messages":[{"role":"user","content":"`, `\u0061`, `"}]}`),
			"a text of new lines":            long(`{"messages":[{"role":"user","content":"`, `\n`, `"}]}`),
			"empty messages":                 fill(`{"messages":[`, `{}`, `]}`),
			"short messages":                 fill(`{"messages":[`, `{"role":"user","content":"a"}`, `]}`),
			"empty parts":                    fill(`{"messages":[{"role":"user","content":[`, `{"type":"text","text":""}`, `]}]}`),
			"long messages":                  fill(`{"messages":[`, `{"role":"user","content":"`+strings.Repeat("word ", 50000)+`"}`, `]}`),
			"a long role":                    long(`{"messages":[{"content":"x","role":"`, "r", `"}]}`),
			"unknown members":                numbered(`{`+user+`,`, `"k%d":0`, `}`),
			"a long key":                     long(`{`+user+`,"`, "k", `":0}`),
			"a long number":                  long(`{`+user+`,"temperature":1`, "0", `}`),
			"a list as model":                fill(`{`+user+`,"model":[`, `1`, `]}`),
			"a long model":                   long(`{`+user+`,"model":"`, "m", `"}`),
			"deep nesting":                   `{` + user + `,"x":` + strings.Repeat("[", httpapi.MaxBody/2) + strings.Repeat("]", httpapi.MaxBody/2-100) + `}`,
			"not closed":                     long(`{`+user+`,"x":"`, "a", ``),
			"many biases":                    numbered(`{`+user+`,"logit_bias":{`, `"%d":1`, `}}`),
			"many stop texts":                fill(`{`+user+`,"stop":[`, `"a"`, `]}`),
			"a long stop text":               long(`{`+user+`,"stop":"`, "a", `"}`),
			"many stop tokens":               fill(`{`+user+`,"stop_token_ids":[`, `1`, `]}`),
			"many tools":                     numbered(`{`+user+`,"tools":[`, `{"type":"function","function":{"name":"f%d"}}`, `]}`),
			"a tool with a long description": long(`{`+user+`,"tools":[{"type":"function","function":{"name":"f","description":"`, "d", `"}}]}`),
			"a tool with many parameters":    numbered(`{`+user+`,"tools":[{"type":"function","function":{"name":"f","parameters":{"type":"object","properties":{`, `"p%d":{}`, `}}}}]}`),
			"template arguments":             fill(`{`+user+`,"chat_template_kwargs":{"a":[`, `[]`, `]}}`),
			"a large schema":                 numbered(`{`+user+`,"response_format":{"type":"json_schema","json_schema":{"name":"x","schema":{"properties":{`, `"p%d":{}`, `}}}}}`),
			"a long expression":              long(`{`+user+`,"structured_outputs":{"regex":"`, "(a|b)", `"}}`),
			"many choices":                   numbered(`{`+user+`,"structured_outputs":{"choice":[`, `"c%d"`, `]}}`),
			"no UTF-8":                       long(`{`+user+`,"x":"`, "\xff", `"}`),
		},
		"/v1/completions": {
			"one long prompt":   long(`{"prompt":"`, "a", `"}`),
			"random letters":    `{"prompt":"` + incompressible(500_000) + `"}`,
			"words":             `{"prompt":"` + strings.Repeat("the word ", 55_000) + `"}`,
			"tokens":            fill(`{"prompt":[`, `7`, `]}`),
			"lists of tokens":   fill(`{"prompt":[`, `[7]`, `]}`),
			"many prompts":      fill(`{"prompt":[`, `"a"`, `]}`),
			"log probabilities": `{"max_tokens":1,"prompt_logprobs":20,"prompt":[` + strings.Repeat("7,", 30000) + `7]}`,
			"echoes":            `{"max_tokens":1,"echo":true,"logprobs":5,"n":100,"prompt":[` + strings.Repeat("7,", 3000) + `7]}`,
		},
		"/v1/responses": {
			"items":         fill(`{"input":[`, `{"role":"user","content":"a"}`, `]}`),
			"one long text": long(`{"input":"`, "a", `"}`),
		},
		"/v1/messages": {
			"blocks":        fill(`{"max_tokens":1,"messages":[{"role":"user","content":[`, `{"type":"text","text":"a"}`, `]}]}`),
			"one long text": long(`{"max_tokens":1,"messages":[{"role":"user","content":"`, "a", `"}]}`),
		},
		"/v1/messages/count_tokens": {
			"one long text": long(`{"messages":[{"role":"user","content":"`, "a", `"}]}`),
		},
	}
}

// maxRefusal is what a refused request may allocate, its body included. The memory
// of its JSON values is at most its body's again.
const maxRefusal = 22 << 20

// cpuTime is what the process has used of the processors.
func cpuTime(t *testing.T) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		t.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// TestARefusedRequestCostsLittle counts what a refusal allocates in sum, so that no
// collection hides it.
func TestARefusedRequestCostsLittle(t *testing.T) {
	b := apitest.New(t, chat.KarakuriTemplate, apitest.Say("x"))
	b.Config.Completer.Context, b.Config.Budget = longContext, admission.Default()
	h := Handler(Config{Config: b.Config}, func() bool { return true })
	post := func(path, body string) *httptest.ResponseRecorder {
		w, r := httptest.NewRecorder(), httptest.NewRequest(http.MethodPost, path, strings.NewReader(body))
		h.ServeHTTP(w, r)
		return w
	}
	post("/v1/chat/completions", `{"messages":[{"role":"user","content":"x"}],"response_format":{"type":"json_object"}}`) // reads the vocabulary
	for path, bodies := range hostile() {
		for name, body := range bodies {
			var before, after runtime.MemStats
			runtime.ReadMemStats(&before)
			start := cpuTime(t)
			w := post(path, body)
			took := cpuTime(t) - start
			runtime.ReadMemStats(&after)
			cost := after.TotalAlloc - before.TotalAlloc
			t.Logf("%s %s: %d, %.1f MiB, %v of a processor", path, name, w.Code, float64(cost)/(1<<20), took)
			if w.Code < 400 || w.Code >= 500 {
				t.Errorf("%s %s: %d %.200s", path, name, w.Code, w.Body)
			}
			if cost > maxRefusal {
				t.Errorf("%s %s allocates %d MiB, expected at most %d", path, name, cost>>20, maxRefusal>>20)
			}
			if w.Body.Len() > 8<<10 {
				t.Errorf("%s %s: an answer of %d bytes", path, name, w.Body.Len())
			}
		}
	}
}
