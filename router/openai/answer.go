package openai

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/hachi-serve/hachi/router/completion"
	"github.com/hachi-serve/hachi/router/engine"
)

// choice is one answer in the making.
type choice struct {
	index  int
	prompt []int32
	reader *completion.Reader
}

// piece is news of a choice.
type piece struct {
	choice *choice
	delta  completion.Delta
	err    error
}

// start submits every choice of every prompt. The returned stop gives all of
// them up.
func (s *Server) start(ctx context.Context, o options, prompts [][]int32) ([]*choice, func(), error) {
	o.request.StopTokens = []int32{s.cfg.Tokenizer.EOS()}
	var all []*choice
	stop := func() {
		for _, c := range all {
			c.reader.Close()
		}
	}
	for _, prompt := range prompts {
		for n := range o.n {
			r := o.request
			r.Prompt, r.Choice = prompt, n
			reader, err := completion.Start(ctx, s.cfg.Engine, s.cfg.Tokenizer, r, o.stops)
			if err != nil {
				stop()
				return nil, nil, err
			}
			all = append(all, &choice{index: len(all), prompt: prompt, reader: reader})
		}
	}
	return all, stop, nil
}

// follow calls f with the deltas of all choices as they come, one at a time.
func (s *Server) follow(ctx context.Context, all []*choice, f func(*choice, completion.Delta) error) error {
	ctx, cancel := context.WithCancel(ctx)
	pieces := make(chan piece)
	var readers sync.WaitGroup
	defer readers.Wait()
	defer cancel()
	for _, c := range all {
		readers.Go(func() {
			for {
				d, err := c.reader.Next(ctx)
				select {
				case pieces <- piece{c, d, err}:
				case <-ctx.Done():
					return
				}
				if err != nil || d.Finish != engine.NotFinished {
					return
				}
			}
		})
	}
	began, last := time.Now(), time.Time{}
	for open := len(all); open > 0; {
		var p piece
		select {
		case p = <-pieces:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if p.err != nil {
			return p.err
		}
		last = s.observe(began, last)
		if err := f(p.choice, p.delta); err != nil {
			return err
		}
		if p.delta.Finish != engine.NotFinished {
			open--
		}
	}
	return nil
}

// observe reports the time to the first token, then between tokens.
func (s *Server) observe(began, last time.Time) time.Time {
	now := time.Now()
	if last.IsZero() && s.cfg.Observe.FirstToken != nil {
		s.cfg.Observe.FirstToken(now.Sub(began))
	} else if !last.IsZero() && s.cfg.Observe.NextToken != nil {
		s.cfg.Observe.NextToken(now.Sub(last))
	}
	return now
}

// usage counts tokens: each prompt once.
func usage(all []*choice, n int) map[string]int {
	prompt, generated := 0, 0
	for i, c := range all {
		if i%n == 0 {
			prompt += len(c.prompt)
		}
		generated += c.reader.Generated
	}
	return map[string]int{"prompt_tokens": prompt, "completion_tokens": generated, "total_tokens": prompt + generated}
}

// events is a server-sent event stream that begins with its first event, so
// that an early failure can still be an ordinary answer.
type events struct {
	w     http.ResponseWriter
	begun bool
}

func (e *events) send(body any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	return e.line(string(raw))
}

func (e *events) line(data string) error {
	if !e.begun {
		e.begun = true
		e.w.Header().Set("Content-Type", "text/event-stream")
		e.w.Header().Set("Cache-Control", "no-cache")
		e.w.WriteHeader(http.StatusOK)
	}
	if _, err := fmt.Fprintf(e.w, "data: %s\n\n", data); err != nil {
		return err
	}
	return http.NewResponseController(e.w).Flush()
}

// end closes the stream: [DONE], or an error event when it had begun.
func (e *events) end(err error) error {
	if err == nil {
		return e.line("[DONE]")
	}
	if !e.begun {
		return err
	}
	// The status is sent; the client learns of the failure from the event.
	_ = e.send(map[string]any{"error": toAPI(err)})
	return nil
}
