package trace

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"time"

	"github.com/hachi-serve/hachi/internal/strictjson"
)

// The keys of a line of Mooncake's traces. Each is there exactly once.
const (
	keyTime   = "timestamp" // milliseconds
	keyInput  = "input_length"
	keyOutput = "output_length"
	keyBlocks = "hash_ids"
)

// maxMilliseconds is the year 2096, counted from 1970: two such times differ by less than
// a Duration holds.
const maxMilliseconds = 4e12

// ReadMooncake reads Mooncake's traces.
func ReadMooncake(r io.Reader) ([]Request, error) {
	var c collector
	var first time.Duration
	return c.lines(r, func(line []byte) {
		before := len(c.faults)
		request, at := c.mooncake(line)
		if len(c.faults) > before {
			return
		}
		if len(c.requests) == 0 {
			first = at
		}
		if request.At = c.at(keyTime, at-first); len(c.faults) == before {
			c.requests = append(c.requests, request)
		}
	})
}

// mooncake reads one line and its time.
func (c *collector) mooncake(line []byte) (out Request, at time.Duration) {
	members, err := strictjson.Object(line)
	if err != nil {
		c.fault("", "%w", err)
		return out, 0
	}
	missing := map[string]bool{keyTime: true, keyInput: true, keyOutput: true, keyBlocks: true}
	for _, m := range members {
		if !missing[m.Key] {
			c.fault(m.Key, "unknown field")
		}
		delete(missing, m.Key)
		switch m.Key {
		case keyTime:
			at = c.milliseconds(m.Value)
		case keyInput:
			out.Prompt = c.count(m)
		case keyOutput:
			out.Answer = c.count(m)
		case keyBlocks:
			if json.Unmarshal(m.Value, &out.Blocks) != nil || m.Null() {
				c.fault(m.Key, "want a list of whole numbers")
				out.Blocks = nil
			}
		}
	}
	for _, key := range [...]string{keyTime, keyInput, keyOutput, keyBlocks} {
		if missing[key] {
			c.fault(key, "missing")
		}
	}
	if want := blocksOf(out.Prompt); len(missing) == 0 && out.Blocks != nil && len(out.Blocks) != want {
		c.fault(keyBlocks, "%d blocks for a prompt of %d tokens: want %d", len(out.Blocks), out.Prompt, want)
	}
	return out, at
}

// blocksOf is how many blocks a prompt has.
func blocksOf(tokens int) int { return (tokens + BlockTokens - 1) / BlockTokens }

func (c *collector) milliseconds(value json.RawMessage) time.Duration {
	var ms float64
	if json.Unmarshal(value, &ms) != nil || !(math.Abs(ms) <= maxMilliseconds) {
		c.fault(keyTime, "%.40s: want milliseconds", value)
		return 0
	}
	return time.Duration(math.Round(ms*1e3)) * time.Microsecond
}

func (c *collector) count(m strictjson.Member) int {
	var n int64
	if json.Unmarshal(m.Value, &n) != nil {
		c.fault(m.Key, "%.40s: want a whole number", m.Value)
		return 1
	}
	return c.tokens(m.Key, n)
}

// WriteMooncake writes requests as ReadMooncake reads them. Prompts without Blocks get
// numbers that no other prompt has.
func WriteMooncake(w io.Writer, requests []Request) error {
	out := bufio.NewWriter(w)
	fresh := uint64(0)
	for _, r := range requests {
		for _, b := range r.Blocks {
			fresh = max(fresh, b+1)
		}
	}
	for _, r := range requests {
		blocks := r.Blocks
		for i := len(blocks); i < blocksOf(r.Prompt); i++ {
			blocks = append(blocks[:i:i], fresh)
			fresh++
		}
		ids, err := json.Marshal(blocks)
		if err != nil {
			return err
		}
		fmt.Fprintf(out, "{%q: %d, %q: %d, %q: %d, %q: %s}\n", keyTime, r.At.Milliseconds(), keyInput, r.Prompt, keyOutput, r.Answer, keyBlocks, ids)
	}
	return out.Flush()
}
