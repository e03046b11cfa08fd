package engine

import (
	"sync"

	"github.com/hachi-serve/hachi/moe"
)

// maskWorker computes the token masks of grammars while the model computes.
// Between the commit of a token and the draw of the next one, the sampler of a
// request belongs to this goroutine: the channel work hands it over and maskReady
// hands it back, so no lock guards it. Of a request, the worker touches the
// sampler and maskErr only.
type maskWorker struct {
	// work has room for all admitted requests, so request waits at most for masks of
	// requests that have ended meanwhile.
	work  chan *activeRequest
	ended sync.WaitGroup
}

// newMaskWorker starts the goroutine, for at most maxRequests requests.
func newMaskWorker(maxRequests int) *maskWorker {
	w := &maskWorker{work: make(chan *activeRequest, maxRequests)}
	w.ended.Go(func() {
		// No send blocks, even if the request has ended and no draw awaits its mask:
		// maskReady has room for one, and at most one is in progress.
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
