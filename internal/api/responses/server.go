package responses

import (
	"net/http"
	"time"

	"github.com/hachi-serve/hachi/internal/api/access"
	"github.com/hachi-serve/hachi/internal/api/completion"
	"github.com/hachi-serve/hachi/internal/api/failure"
	"github.com/hachi-serve/hachi/internal/api/generation"
	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/api/logprobs"
	"github.com/hachi-serve/hachi/internal/api/transcript"
)

// server answers the API's requests.
type server struct {
	cfg    httpapi.Config
	shape  httpapi.Shape
	tokens logprobs.Namer
}

// New makes the API. Its errors have the shape of OpenAI's other APIs.
func New(cfg httpapi.Config, shape httpapi.Shape) httpapi.API {
	s := &server{cfg: cfg, shape: shape, tokens: logprobs.NewNamer(cfg.Completer.Tokenizer)}
	return httpapi.API{
		Shape: shape,
		Routes: map[string]httpapi.Methods{
			"/v1/responses":              {http.MethodPost: cfg.Post(s.create)},
			"/v1/responses/input_tokens": {http.MethodPost: cfg.Post(s.count)},
			"/v1/responses/":             {http.MethodGet: notStored, http.MethodPost: notStored, http.MethodDelete: notStored},
		},
	}
}

// notStored answers requests for an earlier answer.
func notStored(w http.ResponseWriter, r *http.Request) {
	httpapi.Fail(w, &httpapi.Error{
		Status: http.StatusNotFound, Type: failure.TypeInvalid, Code: httpapi.CodeURL,
		Message: r.URL.Path + " is not there: this server stores no answers",
	})
}

// create answers POST /v1/responses.
func (s *server) create(c *httpapi.Call) error {
	q, turn, err := s.turn(c)
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
	f := &follower{server: s, reader: reader, writer: &writer{answer: s.begin(q)}, logprobs: q.logprobs}
	if !q.stream {
		if err := f.follow(ctx); err != nil {
			return err
		}
		c.Answer(f.writer.answer)
		return nil
	}
	out, err := c.Stream(httpapi.StreamShape{Failed: f.failure})
	if err != nil {
		return err
	}
	f.writer.send = func(e event) error { return out.Send(httpapi.Event{Name: e.Type, Data: e}) }
	return f.follow(ctx)
}

// count answers POST /v1/responses/input_tokens: the length of the prompt that a
// request has.
func (s *server) count(c *httpapi.Call) error {
	q, turn, err := s.turn(c)
	if err != nil {
		return err
	}
	turn.Answers(&q.options.Request)
	if err := s.cfg.Completer.Accepts(c.Context, q.options.Request); err != nil {
		return q.renamed(err)
	}
	c.Answer(map[string]any{"object": "response.input_tokens", "input_tokens": len(turn.Prompt)})
	return nil
}

// turn reads a request and prepares the turn that it asks for.
func (s *server) turn(c *httpapi.Call) (request, *completion.Turn, error) {
	q := s.read(c)
	if err := c.Body.Err(); err != nil {
		return q, nil, err
	}
	turn, err := transcript.Prepare(c.Context, s.cfg.Service, q.conversation)
	if err != nil {
		return q, nil, q.renamed(err)
	}
	for _, name := range turn.IgnoredArgs {
		if name == effortArg && q.echo.Reasoning.Effort != nil {
			c.Body.Ignore("reasoning.effort")
		} else {
			generation.IgnoreArg(c.Body, name)
		}
	}
	if turn.OutputUnused {
		c.Body.Ignore("text.format")
	}
	return q, turn, httpapi.About("input", s.cfg.Completer.Check(turn.Prompt))
}

// renamed gives a fault of a conversation the name that its parameter has here.
func (q request) renamed(err error) error {
	return generation.Renamed(err, func(param string) string {
		if param == "messages" {
			param = "input"
		}
		return generation.ToolParam(param, q.toolPaths)
	})
}

// begin makes the answer to a request.
func (s *server) begin(q request) *answer {
	return &answer{ID: access.NewID("resp_"), Object: "response", Created: time.Now().Unix(), Model: s.cfg.Model, echo: q.echo}
}
