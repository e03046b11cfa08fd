package serve

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"
)

// Load is a number of answers that are written at once, one after another in each stream.
type Load struct {
	Streams int // at once
	Answers int // of each stream
	Prompt  int // tokens
	Answer  int // tokens
}

// Validate reports every fault at once.
func (l Load) Validate() error {
	var all []error
	for name, n := range map[string]int{"streams": l.Streams, "answers": l.Answers, "prompt tokens": l.Prompt, "answer tokens": l.Answer} {
		if n < 1 {
			all = append(all, fmt.Errorf("%d %s: want at least 1", n, name))
		}
	}
	return errors.Join(all...)
}

// Throughput is the rate of a load, tokens per second. Of several servers each gets as
// many answers: a turn of a certain time would end with few streams, and their number
// would change the rate.
func (c Client) Throughput(ctx context.Context, l Load, tokens []int32) (float64, error) {
	generated, failed := make([]int, l.Streams), make([]error, l.Streams)
	var all sync.WaitGroup
	began := time.Now()
	for i := range l.Streams {
		all.Go(func() {
			for j := 0; j < l.Answers && failed[i] == nil; j++ {
				sample := c.Do(ctx, time.Now(), Request{Prompt: l.Prompt, Answer: l.Answer, Offset: (i*l.Answers + j) * l.Prompt}, tokens)
				generated[i] += sample.Generated
				failed[i] = sample.Err
			}
		})
	}
	all.Wait()
	took := time.Since(began)
	sum := 0
	for _, n := range generated {
		sum += n
	}
	return float64(sum) / took.Seconds(), errors.Join(failed...)
}
