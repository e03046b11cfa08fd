package engine

import (
	"sync"

	"github.com/hachi-serve/hachi/moe"
)

// maskWorker computes the token masks of grammars while the model computes.
// Between the commit of a token and the draw of the next one, the sampler of a
// request belongs to this goroutine.
type maskWorker struct {
	work  chan *activeRequest // capacity: every request at once, so request never blocks
	ended sync.WaitGroup
}

// newMaskWorker starts the goroutine, for at most maxRequests requests.
func newMaskWorker(maxRequests int) *maskWorker {
	w := &maskWorker{work: make(chan *activeRequest, maxRequests)}
	w.ended.Go(func() {
		for f := range w.work {
			f.maskErr = f.prepareMask()
			f.maskReady <- struct{}{}
		}
	})
	return w
}

// request starts the mask of a request's next token. A request has at most one
// mask in progress.
func (w *maskWorker) request(f *activeRequest) {
	if f.sampler.Constrained() && !f.maskPending {
		f.maskPending = true
		w.work <- f
	}
}

// prepareMask turns a panic of a grammar into an error of its request.
func (f *activeRequest) prepareMask() (err error) {
	defer moe.Recover("grammar mask", &err)
	f.sampler.Prepare()
	return nil
}

// awaitMask gives the sampler back to the calling goroutine.
func (f *activeRequest) awaitMask() error {
	if f.maskPending {
		<-f.maskReady
		f.maskPending = false
	}
	return f.maskErr
}

// stop ends the goroutine. No request may follow.
func (w *maskWorker) stop() {
	close(w.work)
	w.ended.Wait()
}
