package failover

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/mix"
)

// answers asks for requests of every kind at once, streamed and not, by HTTP.
type answers struct {
	url      string
	requests []mix.Request
}

// run reads all answers to their end. A stream counts as begun with its first part, while
// the fastest answers are still far from their end, so that a fault hits each router in
// the middle of some; a whole answer when its request is sent: nothing shows how far it is.
func (a answers) run(ctx context.Context, begun func()) ([]stream, error) {
	return together(ctx, len(a.requests), begun, func(ctx context.Context, i int, out *stream, begun func()) error {
		r := a.requests[i]
		if err := a.read(ctx, r, out, begun); err != nil {
			return fmt.Errorf("%s: %w", r.Body, err)
		}
		return nil
	})
}

func (a answers) read(ctx context.Context, r mix.Request, out *stream, begun func()) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url+r.Path, strings.NewReader(r.Body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if !r.Stream {
		begun()
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	var whole strings.Builder
	body := bufio.NewReader(response.Body)
	for {
		line, err := body.ReadString('\n')
		whole.WriteString(line)
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		if data, ok := strings.CutPrefix(line, "data: "); ok && r.Stream {
			out.part(data, time.Now())
		}
		if len(out.tracks) > 0 {
			begun()
		}
	}
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("%s: %s", response.Status, whole.String())
	}
	out.body, err = mix.Fold(whole.String())
	return err
}

// part notes an event of a stream, unless it has no text. What is no event of an
// answer, mix.Fold refuses.
func (s *stream) part(event string, at time.Time) {
	var chunk struct {
		Choices []struct {
			Index int
			Text  string
			Delta struct {
				Content string
				Calls   json.RawMessage `json:"tool_calls"`
			}
		}
	}
	if json.Unmarshal([]byte(event), &chunk) != nil {
		return
	}
	for _, c := range chunk.Choices {
		if c.Text != "" || c.Delta.Content != "" || len(c.Delta.Calls) > 0 {
			s.came(c.Index, at)
		}
	}
}
