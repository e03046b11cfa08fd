package apitest

import (
	"bufio"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/router/engine"
	"github.com/hachi-serve/hachi/internal/router/engine/enginetest"
	"github.com/hachi-serve/hachi/internal/text/chat"
	"github.com/hachi-serve/hachi/internal/text/grammar"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

// Context is the context of the model, in tokens.
const Context = 1000

// Model is the name of the model.
const Model = "org/m"

// loadTokenizer reads the tokenizer once for all tests.
var loadTokenizer = sync.OnceValues(func() (*tokenizer.Tokenizer, error) {
	dir, err := os.MkdirTemp("", "apitest")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	if err := os.WriteFile(filepath.Join(dir, "tokenizer.model"), tokenizer.MistralV1(), 0o600); err != nil {
		return nil, err
	}
	return tokenizer.Load(dir)
})

// Tokenizer returns that of all benches, Mistral's.
func Tokenizer(t testing.TB) *tokenizer.Tokenizer {
	t.Helper()
	loaded, err := loadTokenizer()
	if err != nil {
		t.Fatal(err)
	}
	return loaded
}

// compilers are of the tokenizer, once for all tests.
var compilers = sync.OnceValue(func() *completion.Grammars {
	t, _ := loadTokenizer() // Grammars has seen to it
	return completion.NewGrammars(t, grammar.DefaultLimits())
})

// Grammars returns the compilers of the Tokenizer.
func Grammars(t testing.TB) *completion.Grammars {
	t.Helper()
	Tokenizer(t)
	return compilers()
}

// Bench is what APIs are tested on.
type Bench struct {
	Config    httpapi.Config
	Engine    *enginetest.Engine
	Tokenizer *tokenizer.Tokenizer
}

// New makes a bench whose model has a chat template and answers with a text.
func New(t testing.TB, template string, answer func(engine.Request) string) *Bench {
	t.Helper()
	b := &Bench{Tokenizer: Tokenizer(t), Engine: &enginetest.Engine{}}
	b.Engine.Script = func(r engine.Request) enginetest.Script {
		return enginetest.Script{Tokens: b.Tokenizer.Encode(answer(r))}
	}
	b.Config = httpapi.Config{Service: completion.Service{
		Completer: &completion.Completer{Engine: completion.Local{Engine: b.Engine, Grammars: Grammars(t)}, Tokenizer: b.Tokenizer, Context: Context},
		Template:  chat.MustParse(template, b.Tokenizer), Deadline: time.Minute, Model: Model,
	}}
	return b
}

// Say answers every request with one text.
func Say(text string) func(engine.Request) string {
	return func(engine.Request) string { return text }
}

// Post sends a body to APIs and returns the answer.
func (b *Bench) Post(path, body string, apis ...httpapi.API) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	httpapi.Handler(b.Config, apis...).ServeHTTP(w, httptest.NewRequest(http.MethodPost, path, strings.NewReader(body)))
	return w
}

// Event is a server-sent event, as a client reads it.
type Event struct {
	Name string
	Data json.RawMessage
}

// Events splits a stream into its events, without comments; a line that is no part
// of an event fails the test.
func Events(t testing.TB, stream string) []Event {
	t.Helper()
	var events []Event
	var next Event
	lines := bufio.NewScanner(strings.NewReader(stream))
	for lines.Buffer(nil, 1<<20); lines.Scan(); {
		switch key, value, ok := strings.Cut(lines.Text(), ": "); {
		case ok && key == "event":
			next.Name = value
		case ok && key == "data":
			next.Data = json.RawMessage(value)
		case ok && key == "":
		case lines.Text() == "" && next.Data != nil:
			events, next = append(events, next), Event{}
		case lines.Text() != "":
			t.Fatalf("the line %q of a stream", lines.Text())
		}
	}
	if err := lines.Err(); err != nil || next.Data != nil {
		t.Fatalf("the stream ends within an event: %q, %v", next.Data, err)
	}
	return events
}
