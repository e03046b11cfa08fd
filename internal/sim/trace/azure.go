package trace

import (
	"bufio"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
)

// azureHeader are the columns of the CSV.
var azureHeader = [...]string{"TIMESTAMP", "ContextTokens", "GeneratedTokens"}

// azureTime is the layout of a time; fractions of a second may follow.
const azureTime = "2006-01-02 15:04:05"

// ReadAzure reads the CSV of the Azure LLM inference trace 2023. Its prompts share
// nothing: the trace does not say what they hold.
func ReadAzure(r io.Reader) ([]Request, error) {
	var c collector
	var first time.Time
	return c.lines(r, func(line []byte) {
		fields := strings.Split(string(line), ",")
		if len(fields) != len(azureHeader) {
			c.fault("", "%d fields: want %d, %s", len(fields), len(azureHeader), strings.Join(azureHeader[:], ","))
			return
		}
		if c.line == 1 {
			for i, name := range azureHeader {
				if got := strings.TrimPrefix(fields[i], "\ufeff"); got != name {
					c.fault(name, "the column is called %.40q", got)
				}
			}
			return
		}
		before := len(c.faults)
		request := Request{Prompt: c.number(azureHeader[1], fields[1]), Answer: c.number(azureHeader[2], fields[2])}
		if at, err := time.Parse(azureTime, fields[0]); err != nil {
			c.fault(azureHeader[0], "%.40q: want a time such as 2023-11-16 18:15:46.6805900", fields[0])
		} else {
			if first.IsZero() {
				first = at
			}
			request.At = c.at(azureHeader[0], at.Sub(first))
		}
		if len(c.faults) == before {
			c.requests = append(c.requests, request)
		}
	})
}

// number reads a number of tokens.
func (c *collector) number(field, text string) int {
	n, err := strconv.ParseInt(text, 10, 64)
	if err != nil || text[0] == '+' {
		c.fault(field, "%.40q: want a whole number", text)
		return 1
	}
	return c.tokens(field, n)
}

// WriteAzure writes requests as ReadAzure reads them. It loses Blocks.
func WriteAzure(w io.Writer, requests []Request) error {
	out := bufio.NewWriter(w)
	fmt.Fprintln(out, strings.Join(azureHeader[:], ","))
	start := time.Date(2023, time.November, 16, 0, 0, 0, 0, time.UTC)
	for _, r := range requests {
		fmt.Fprintf(out, "%s,%d,%d\n", start.Add(r.At).Format(azureTime+".0000000"), r.Prompt, r.Answer)
	}
	return out.Flush()
}
