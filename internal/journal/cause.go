package journal

import (
	"slices"
	"strings"
	"time"
)

// Cause is something that delays requests.
type Cause struct {
	Text string
	// Request is the id of the request that it delays; "" is every request.
	Request string
	// Blocks says that no token comes while it lasts: an expert without a replica, a
	// router that is gone. Others delay a step, and only the pause between two tokens
	// shows them: before the first token they are lost in the time of the prompt.
	Blocks bool
	// Usual says that it is a part of the work: it explains a pause that is long, and
	// makes no stall of a shorter one.
	Usual bool
}

// noted is a cause from its first to its last notice.
type noted struct {
	Cause
	first, last time.Time
}

const (
	maxCauses = 256
	// joinWithin joins notices of one cause: a router fails the rows of every layer
	// over, one after another.
	joinWithin = 250 * time.Millisecond
	// UnknownCause is that of a stall during which nothing was noted.
	UnknownCause = "not known: nothing was noted meanwhile"
)

// causes are the last ones, in the order of their first notice.
type causes []noted

func (all *causes) note(c Cause, now time.Time) {
	for i := range *all {
		if n := &(*all)[i]; n.Cause == c && now.Sub(n.last) < joinWithin {
			n.last = now
			return
		}
	}
	if len(*all) == maxCauses {
		*all = slices.Delete(*all, 0, 1)
	}
	*all = append(*all, noted{c, now, now})
}

// between joins the causes of a time that delayed a request, with the first notice of
// them; "" is none. blocking takes those that block only. fault is whether one of them is
// not usual.
func (all causes) between(from, to time.Time, request string, blocking bool) (text string, since time.Time, fault bool) {
	var texts []string
	for _, c := range all {
		switch {
		case !c.last.After(from) || c.first.After(to) || c.Request != "" && c.Request != request || blocking && !c.Blocks:
			continue
		case len(texts) == 0 || c.first.Before(since):
			since = c.first
		}
		fault = fault || !c.Usual
		if !slices.Contains(texts, c.Text) {
			texts = append(texts, c.Text)
		}
	}
	return strings.Join(texts, "; "), since, fault
}
