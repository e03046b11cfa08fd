package anthropic

import (
	"context"
	"net/http"
	"strings"

	"github.com/hachi-serve/hachi/internal/api/access"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/generation"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/transcript"
	"github.com/hachi-serve/hachi/internal/router/engine"
)

// idHeader names a request as Anthropic's clients look for it.
const idHeader = "Request-Id"

// server answers the API's requests.
type server struct {
	cfg httpapi.Config
}

// New makes the API.
func New(cfg httpapi.Config) httpapi.API {
	s := &server{cfg}
	return httpapi.API{
		Shape: shape,
		Routes: map[string]httpapi.Methods{
			"/v1/messages":              {http.MethodPost: named(cfg.Post(s.create))},
			"/v1/messages/count_tokens": {http.MethodPost: named(cfg.Post(s.count))},
			"/v1/messages/":             nil, // unknown URLs, in this API's shape
		},
	}
}

// named repeats the id of a request under the name that Anthropic gives it.
func named(next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(idHeader, w.Header().Get(httpapi.IDHeader))
		next(w, r)
	}
}

// ping is the heartbeat of a stream.
var ping = httpapi.Event{Name: "ping", Data: event{Type: "ping"}}

// create answers POST /v1/messages.
func (s *server) create(c *httpapi.Call) error {
	q := s.read(c)
	turn, err := s.prepare(c, q)
	if err != nil {
		return err
	}
	turn.Answers(&q.options.Request)
	ctx, cancel := q.options.Within(c.Context)
	defer cancel()
	reader, err := s.cfg.Completer.Start(ctx, q.options.Request)
	if err != nil {
		return q.renamed(err)
	}
	defer reader.Close()
	c.Admitted()
	defer generation.NoteUsage(ctx, reader)
	w := &writer{message: &message{
		ID: access.NewID("msg_"), Type: "message", Role: "assistant", Model: s.cfg.Model, Usage: tokenUsage{Input: len(turn.Prompt)},
	}}
	if q.stream {
		out, err := c.Stream(httpapi.StreamShape{Failed: errorEvent, Heartbeat: ping})
		if err != nil {
			return err
		}
		w.send = func(e event) error { return out.Send(httpapi.Event{Name: e.Type, Data: e}) }
	}
	if err := follow(ctx, w, reader, q); err != nil {
		return err
	}
	if !q.stream {
		c.Answer(w.message)
	}
	return nil
}

// count answers POST /v1/messages/count_tokens: the length of the prompt that a
// request has.
func (s *server) count(c *httpapi.Call) error {
	q := s.conversation(c.Body)
	generation.RefuseAttributes(c.Body)
	turn, err := s.prepare(c, q)
	if err != nil {
		return err
	}
	if err := s.cfg.Completer.Accepts(c.Context, turn.Request()); err != nil {
		return q.renamed(err)
	}
	c.Answer(map[string]int{"input_tokens": len(turn.Prompt)})
	return nil
}

// prepare prepares the turn that a request asks for.
func (s *server) prepare(c *httpapi.Call, q request) (*completion.Turn, error) {
	if err := c.Body.Err(); err != nil {
		return nil, err
	}
	turn, err := transcript.Prepare(c.Context, s.cfg.Service, q.conversation)
	if err != nil {
		return nil, q.renamed(err)
	}
	for _, name := range turn.IgnoredArgs {
		switch {
		case name != thinkingArg || q.thinks == nil:
			generation.IgnoreArg(c.Body, name)
		case *q.thinks:
			c.Body.Ignore("thinking.type")
		}
	}
	if turn.OutputUnused {
		c.Body.Ignore("output_config.format")
	}
	return turn, httpapi.About("messages", s.cfg.Completer.Check(turn.Prompt))
}

// renamed gives a fault of a conversation the name that its parameter has here.
func (q request) renamed(err error) error {
	return generation.Renamed(err, func(param string) string {
		if param == "stop" {
			param = "stop_sequences"
		}
		return strings.Replace(generation.ToolParam(param, q.toolPaths), "].parameters", "].input_schema", 1)
	})
}

// follow writes the whole answer.
func follow(ctx context.Context, w *writer, reader *completion.Reader, q request) error {
	for w.begin(); w.err == nil; {
		d, err := reader.Next(ctx)
		if err != nil {
			return err
		}
		for _, p := range d.Parts {
			switch p.Kind {
			case completion.Text:
				w.addText(p.Text)
			case completion.Reasoning:
				w.addThinking(p.Text)
			case completion.CallBegun:
				w.addToolUse(p.ID, p.Name)
			case completion.Arguments:
				w.addInput(p.Text)
			}
		}
		if d.Finish != engine.NotFinished {
			w.finish(endingOf(d, reader.Generated, q.options.Request.MaxTokens), tokenUsage{Input: len(reader.Prompt()) - reader.Cached, Cached: reader.Cached, Output: reader.Generated})
			break
		}
	}
	return w.err
}

// endingOf translates why an answer ended. One that is shorter than it might be,
// and does not end by itself, has filled the context.
func endingOf(d completion.Delta, generated, bound int) ending {
	reason := endTurn
	switch {
	case d.Finish == completion.ToolCalls:
		reason = toolUse
	case d.Finish == engine.Length && generated < bound:
		reason = contextFull
	case d.Finish == engine.Length:
		reason = maxTokens
	case d.StopText != "":
		reason = stopSequence
		return ending{&reason, &d.StopText}
	}
	return ending{Reason: &reason}
}
