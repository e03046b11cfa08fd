package gossip

import (
	"strconv"
	"strings"
	"time"

	"github.com/hashicorp/memberlist"
)

// memberName is unique per run of a process. The time makes it so, and orders nothing:
// clocks jump.
func memberName(name string, started time.Time) string {
	return name + "@" + strconv.FormatInt(started.UnixNano(), 10)
}

// splitName is the inverse of memberName; a name of another form is a run at
// time 0.
func splitName(member string) (name string, started int64) {
	at := strings.LastIndexByte(member, '@')
	if at < 0 {
		return member, 0
	}
	started, err := strconv.ParseInt(member[at+1:], 10, 64)
	if err != nil {
		return member, 0
	}
	return member[:at], started
}

// news tells what an event means for a process rather than for one of its
// runs. It is pure.
type news struct {
	self string
	runs map[string]map[string]bool // members that are alive, per process
}

// change is false for what says nothing new: oneself, and the end of a run while another
// one of the process lives.
func (n news) change(e memberlist.NodeEvent) (Change, bool) {
	if e.Node.Name == n.self {
		return Change{}, false
	}
	name, _ := splitName(e.Node.Name)
	change := Change{Name: name, Role: string(e.Node.Meta), State: Alive}
	if e.Event != memberlist.NodeLeave {
		if n.runs[name] == nil {
			n.runs[name] = map[string]bool{}
		}
		n.runs[name][e.Node.Name] = true
		return change, true
	}
	change.State = Suspect
	if delete(n.runs[name], e.Node.Name); len(n.runs[name]) > 0 {
		return Change{}, false
	}
	delete(n.runs, name)
	return change, true
}
