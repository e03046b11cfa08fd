package namespaces

// Loss says which packets of a process vanish.
type Loss int

const (
	All      Loss = iota // those that it sends and those that it should receive
	Sent                 // only those that it sends
	Received             // only those that it should receive
)
