package keys

import (
	"fmt"
	"time"
)

// Reason is why a request is refused.
type Reason string

// Reasons. The first three ask for another key, the next two are beyond the client's
// rights, the last three end by themselves.
const (
	Missing     Reason = "missing"
	Unknown     Reason = "unknown"
	Expired     Reason = "expired"
	AdminOnly   Reason = "admin_only"
	TooUrgent   Reason = "priority"
	TooFast     Reason = "rate"
	TooMany     Reason = "concurrency"
	OutOfBudget Reason = "tokens"
)

// Reasons are all, in their order.
func Reasons() []Reason {
	return []Reason{Missing, Unknown, Expired, AdminOnly, TooUrgent, TooFast, TooMany, OutOfBudget}
}

// Refusal is a request that a key does not allow.
type Refusal struct {
	Reason Reason
	Client string        // "" is unknown
	After  time.Duration // when the same request may be allowed; 0 is not known
	text   string
}

func (r *Refusal) Error() string { return r.text }

func refusef(reason Reason, client, format string, args ...any) *Refusal {
	return &Refusal{Reason: reason, Client: client, text: fmt.Sprintf(format, args...)}
}
