package gossip

import (
	"testing"

	"github.com/hashicorp/memberlist"
)

// FuzzEvents: members of any names and metadata are changes of named processes. The end of
// a run changes nothing while another one of its process lives.
func FuzzEvents(f *testing.F) {
	f.Add("expert-0@1", "expertnode", "expert-0@2", "expertnode")
	f.Add("self@1", "", "@", "\xff")
	f.Add("a@-9223372036854775808", "x", "a@99999999999999999999", "y")
	f.Fuzz(func(t *testing.T, first, firstRole, second, secondRole string) {
		heard := news{self: "self@1", runs: map[string]map[string]bool{}}
		for _, event := range []memberlist.NodeEventType{memberlist.NodeJoin, memberlist.NodeUpdate, memberlist.NodeLeave} {
			for _, n := range []*memberlist.Node{{Name: first, Meta: []byte(firstRole)}, {Name: second, Meta: []byte(secondRole)}} {
				change, ok := heard.change(memberlist.NodeEvent{Event: event, Node: n})
				name, _ := splitName(n.Name)
				switch {
				case n.Name == heard.self && ok:
					t.Errorf("the process hears of itself: %+v", change)
				case ok && (change.Name != name || (change.State == Suspect) != (len(heard.runs[name]) == 0)):
					t.Errorf("%q gives %+v while these live: %v", n.Name, change, heard.runs[name])
				case ok && (change.State == Alive) != (event != memberlist.NodeLeave):
					t.Errorf("event %v gives %+v", event, change)
				}
			}
		}
	})
}
