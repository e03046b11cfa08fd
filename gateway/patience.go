package gateway

import "time"

// OthersAfter is how long a gateway waits beside routers that it cannot serve before it
// ends: one that it can serve may start or restart beside them.
const OthersAfter = 10 * time.Second

// Patience is the wait of a gateway beside routers that it cannot serve. The zero value
// has not begun.
type Patience struct{ end <-chan time.Time }

// Ends receives when others, why the gateway can serve none of the routers, has been an
// error at every call for OthersAfter; it is nil while others is.
func (p *Patience) Ends(others error) <-chan time.Time {
	switch {
	case others == nil:
		p.end = nil
	case p.end == nil:
		p.end = time.After(OthersAfter)
	}
	return p.end
}
