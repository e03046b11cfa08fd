package console

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/hachi-serve/hachi/internal/status"
)

const (
	eventStream = "text/event-stream"
	// refreshAfter is the least time between two refreshes of a page: a person cannot
	// read faster.
	refreshAfter = 500 * time.Millisecond
	// heartbeatEvery is the longest silence: a proxy would end the connection.
	heartbeatEvery = 15 * time.Second
)

// follower is one open page.
type follower struct {
	c     *Console
	page  shown
	r     *http.Request
	who   Person
	out   *http.ResponseController
	w     http.ResponseWriter
	part  []byte // the live part as it was sent last
	cells []cell // of the heat map, as they were sent last
	heard uint64 // number of the last event that was announced
}

// live sends what changes of a page, until the browser leaves it.
func (c *Console) live(w http.ResponseWriter, r *http.Request, who Person) error {
	i := slices.IndexFunc(c.shown(), func(s shown) bool { return s.Name == r.PathValue("page") })
	if i < 0 {
		return &pageError{http.StatusNotFound, "no such page"}
	}
	defer c.Watcher.Follow()()
	f := &follower{c: c, page: c.shown()[i], r: r, who: who, w: w, out: http.NewResponseController(w)}
	for _, e := range c.Watcher.Events() {
		f.heard = max(f.heard, e.Number)
	}
	w.Header().Set("Content-Type", eventStream)
	w.Header().Set("X-Accel-Buffering", "no")
	return f.run(r.Context())
}

// run sends changes until ctx ends. A browser that is gone is no error.
func (f *follower) run(ctx context.Context) error {
	beat := time.NewTicker(heartbeatEvery)
	defer beat.Stop()
	for {
		changed := f.c.Watcher.Changed()
		if !f.admitted() {
			return nil
		}
		if err := f.send(); err != nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(refreshAfter):
		}
		select {
		case <-ctx.Done():
			return nil
		case <-changed:
		case <-beat.C:
			if f.write(": \n\n") != nil {
				return nil
			}
		}
	}
}

// admitted asks about the key again: one that was taken back sees nothing more.
func (f *follower) admitted() bool {
	_, leave, err := f.c.person(f.r, viewers)
	if err != nil {
		return false
	}
	leave()
	return true
}

// send sends what has changed.
func (f *follower) send() error {
	v := f.c.view(f.r, f.who)
	body := f.page.body(f.c, v)
	var part bytes.Buffer
	if err := f.c.pages.part(&part, f.page.Name, "live", body); err != nil {
		return err
	}
	if !bytes.Equal(part.Bytes(), f.part) {
		f.part = part.Bytes()
		if err := f.event("part", part.String()); err != nil {
			return err
		}
	}
	if m, ok := body.(expertsBody); ok {
		if err := f.sendCells(m.Grid); err != nil {
			return err
		}
	}
	for _, e := range slices.Backward(f.c.Watcher.Events()) {
		if e.Number > f.heard {
			f.heard = e.Number
			if err := f.event("announce", announcement(e)); err != nil {
				return err
			}
		}
	}
	return f.out.Flush()
}

// announcement is what a screen reader says of an event.
func announcement(e status.Event) string { return e.Text }

// sendCells sends the cells that differ from those that were sent last: at first all,
// because the page is older than the stream. A page of another model must load again.
func (f *follower) sendCells(g grid) error {
	before := f.cells
	f.cells = g.cells
	if before != nil && len(before) != len(g.cells) {
		return f.event("reload", true)
	}
	if changed := g.changed(before); len(changed) > 0 {
		return f.event("cells", changed)
	}
	return nil
}

// event sends an event with a value as JSON, which has no line break.
func (f *follower) event(name string, value any) error {
	raw, err := json.Marshal(value)
	if err != nil {
		return err
	}
	return f.write("event: " + name + "\ndata: " + string(raw) + "\n\n")
}

func (f *follower) write(text string) error {
	_, err := fmt.Fprint(f.w, text)
	return err
}
