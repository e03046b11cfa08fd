package backend

// Cores is where a pool gets its cores from, if it shares them with other processes of
// the machine. Take, Yield and Release come from one goroutine at a time.
type Cores interface {
	// Take waits for a core at least, and returns how many of want it has; 0 if it
	// gave up.
	Take(want int) (held int)
	// More takes up to n that are free, and returns how many.
	More(n int) int
	// Wanted reports that another pool waits for a core.
	Wanted() bool
	// Pass gives one to the pool that has waited longest, if any.
	Pass() bool
	// Yield passes the only core on, and waits until it has one again.
	Yield()
	Release()
}
