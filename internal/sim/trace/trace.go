package trace

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// BlockTokens is how many tokens of a prompt one entry of Request.Blocks stands for.
const BlockTokens = 512

// Request is one request of a trace.
type Request struct {
	At     time.Duration // after the start of the trace
	Prompt int           // tokens
	Answer int           // tokens
	// Blocks names the content of the prompt, one number for each BlockTokens tokens: two
	// prompts share the prefix in which their numbers are the same. Nil shares nothing.
	Blocks []uint64
}

// Bounds of a request: far above every context, and they keep sums in range.
const (
	maxTokens = 1 << 24
	maxSpan   = 366 * 24 * time.Hour
	maxLine   = 4 << 20
	// maxFaults bounds how many lines an error names.
	maxFaults = 10
)

// LineError is a line of a trace that is not understood.
type LineError struct {
	Line  int
	Field string // empty for the line as a whole
	Err   error
}

func (e *LineError) Error() string {
	if e.Field == "" {
		return fmt.Sprintf("line %d: %v", e.Line, e.Err)
	}
	return fmt.Sprintf("line %d: %s: %v", e.Line, e.Field, e.Err)
}

func (e *LineError) Unwrap() error { return e.Err }

// ReadFile reads a trace of any known format. The error names every fault, up to a
// bound, each with its line and field.
func ReadFile(path string) ([]Request, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	out, err := Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return out, nil
}

// Read reads a trace. Its format is known by its first byte: JSON lines begin with a
// brace, and CSV does not.
func Read(r io.Reader) ([]Request, error) {
	buffered := bufio.NewReader(r)
	first, err := buffered.Peek(1)
	switch {
	case errors.Is(err, io.EOF):
		return nil, errors.New("the trace is empty")
	case err != nil:
		return nil, err
	case first[0] == '{':
		return ReadMooncake(buffered)
	}
	return ReadAzure(buffered)
}

// collector gathers the requests of a file and its faults.
type collector struct {
	line     int
	requests []Request
	faults   []error
}

func (c *collector) fault(field, format string, args ...any) {
	c.faults = append(c.faults, &LineError{c.line, field, fmt.Errorf(format, args...)})
}

// tokens checks a number of tokens.
func (c *collector) tokens(field string, n int64) int {
	if n < 1 || n > maxTokens {
		c.fault(field, "%d tokens: want 1 to %d", n, maxTokens)
		return 1
	}
	return int(n)
}

// at checks the time of a request after the first.
func (c *collector) at(field string, since time.Duration) time.Duration {
	switch n := len(c.requests); {
	case since > maxSpan:
		c.fault(field, "%v after the first request: want at most %v", since, maxSpan)
	case since < 0, n > 0 && since < c.requests[n-1].At:
		c.fault(field, "earlier than a line before: want requests in order of time")
	}
	return since
}

// lines calls each for every line of a reader until there are enough faults. Line ends
// of Windows are line ends too.
func (c *collector) lines(r io.Reader, each func(line []byte)) ([]Request, error) {
	s := bufio.NewScanner(r)
	s.Buffer(nil, maxLine)
	for len(c.faults) < maxFaults && s.Scan() {
		c.line++
		if line := bytes.TrimSuffix(s.Bytes(), []byte("\r")); len(line) > 0 {
			each(line)
		} else {
			c.fault("", "the line is empty")
		}
	}
	if err := s.Err(); err != nil {
		c.line++
		if errors.Is(err, bufio.ErrTooLong) {
			err = fmt.Errorf("longer than %d bytes", maxLine)
		}
		c.fault("", "%w", err)
	}
	if len(c.faults) == 0 && len(c.requests) == 0 {
		return nil, errors.New("the trace has no request")
	}
	if len(c.faults) > 0 {
		return nil, errors.Join(c.faults...)
	}
	return c.requests, nil
}

// Cut keeps the requests within a time from the start; 0 keeps all.
func Cut(requests []Request, within time.Duration) []Request {
	for i, r := range requests {
		if within > 0 && r.At >= within {
			return requests[:i]
		}
	}
	return requests
}

// Paced scales the times of requests so that they come at a rate per second on average;
// 0 keeps them. Requests that come all at once stay so.
func Paced(requests []Request, rate float64) []Request {
	span := requests[len(requests)-1].At - requests[0].At
	if rate == 0 || span == 0 {
		return requests
	}
	factor := float64(len(requests)) / rate / span.Seconds()
	out := slices.Clone(requests)
	for i := range out {
		out[i].At = time.Duration(min(float64(out[i].At)*factor, float64(maxSpan)))
	}
	return out
}
