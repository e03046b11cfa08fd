package balance

// Budget bounds how often requests that a router refused are sent to another: every
// request adds a share of a retry, so that retries cannot multiply an overload.
//
// Reference: Beyer et al., "Site Reliability Engineering", chapter 21, for retry
// budgets.
type Budget struct{ tenths int }

const (
	perRequest = 2   // tenths of a retry
	maxBudget  = 100 // tenths: ten retries in a burst
)

// NewBudget is a full budget.
func NewBudget() *Budget { return &Budget{maxBudget} }

// Request counts a request.
func (b *Budget) Request() { b.tenths = min(b.tenths+perRequest, maxBudget) }

// Retry takes one retry, if there is one.
func (b *Budget) Retry() bool {
	if b.tenths < 10 {
		return false
	}
	b.tenths -= 10
	return true
}
