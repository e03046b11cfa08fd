package failover

// Fault is what happens to a process.
type Fault string

const (
	Kill Fault = "kill" // SIGKILL of an expert node, which is started again
	Stop Fault = "stop" // SIGSTOP, and SIGCONT after a while
	Drop Fault = "drop" // all packets to and from the node vanish for a while

	RouterKill Fault = "router-kill" // the same of a router behind a gateway
	RouterStop Fault = "router-stop"
	RouterDrop Fault = "router-drop"
)

var faults = []Fault{Kill, Stop, Drop, RouterKill, RouterStop, RouterDrop}

// ofRouter reports whether the victim is a router.
func (f Fault) ofRouter() bool { return f == RouterKill || f == RouterStop || f == RouterDrop }

// kills reports whether the victim dies and is started again.
func (f Fault) kills() bool { return f == Kill || f == RouterKill }

// drops reports whether the victim has a network of its own.
func (f Fault) drops() bool { return f == Drop || f == RouterDrop }

// separate is the process in a namespace of its own, if the fault needs one.
func (f Fault) separate() string {
	if f.ofRouter() {
		return "router-0"
	}
	return "expert-0"
}

// front is the process that clients call.
func (f Fault) front() string {
	if f.ofRouter() {
		return "gateway-0"
	}
	return "router-0"
}
