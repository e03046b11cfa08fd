package engine

import "sync"

// ahead works out the masks of grammars while the model computes: between the
// commit of a token and the draw of the next, a sampler is this goroutine's.
type ahead struct {
	work  chan *flight
	ended sync.WaitGroup
}

// newAhead starts the goroutine. most is how many requests there can be.
func newAhead(most int) *ahead {
	a := &ahead{work: make(chan *flight, most)}
	a.ended.Go(func() {
		for f := range a.work {
			f.sampler.Prepare()
			f.mask <- struct{}{}
		}
	})
	return a
}

// ask wants the mask of a request's next token.
func (a *ahead) ask(f *flight) {
	if f.sampler.Constrained() && !f.asked {
		f.asked = true
		a.work <- f
	}
}

// wait gives the sampler back to the caller.
func (f *flight) wait() {
	if f.asked {
		<-f.mask
		f.asked = false
	}
}

// stop ends the goroutine; nothing is asked any more.
func (a *ahead) stop() {
	close(a.work)
	a.ended.Wait()
}
