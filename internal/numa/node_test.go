package numa

import (
	"fmt"
	"reflect"
	"testing"
	"testing/fstest"
)

// machine is a tree of /sys with these lists of cores.
func machine(online string, cpus ...string) fstest.MapFS {
	const dir = "devices/system/node/"
	out := fstest.MapFS{dir + "online": {Data: []byte(online + "\n")}}
	for i, list := range cpus {
		out[fmt.Sprintf("%snode%d/cpulist", dir, i)] = &fstest.MapFile{Data: []byte(list + "\n")}
	}
	return out
}

func TestMemoryNodesOfMachines(t *testing.T) {
	for name, tt := range map[string]struct {
		sys  fstest.MapFS
		want []Node
	}{
		"one node":                        {machine("0", "0-1"), []Node{{0, []int{0, 1}}}},
		"two sockets":                     {machine("0-1", "0-1", "2-3"), []Node{{0, []int{0, 1}}, {1, []int{2, 3}}}},
		"siblings far apart":              {machine("0-1", "0,2", "1,3"), []Node{{0, []int{0, 2}}, {1, []int{1, 3}}}},
		"ranges and single cores":         {machine("0", "0-2,8,4"), []Node{{0, []int{0, 1, 2, 4, 8}}}},
		"memory without cores":            {machine("0-1", "0-1", ""), []Node{{0, []int{0, 1}}}},
		"a node that is not online":       {machine("1", "0-1", "2-3"), []Node{{1, []int{2, 3}}}},
		"a core that is named repeatedly": {machine("0", "0-1,1"), []Node{{0, []int{0, 1}}}},
	} {
		got, err := Read(tt.sys)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: %v, %v, want %v", name, got, err, tt.want)
		}
	}
	for name, sys := range map[string]fstest.MapFS{
		"no such files": {}, "a missing list": machine("0-1", "0-1"), "words": machine("0", "all"), "half a range": machine("0", "1-"),
		"backward": machine("0", "3-1"), "beyond all cores": machine("0", "0-99999999999"), "below 0": machine("0", "-1"), "an empty part": machine("0", "0,,1"),
	} {
		if got, err := Read(sys); err == nil {
			t.Errorf("%s: %v, want an error", name, got)
		}
	}
}

func TestProcessesAreDealtToMemoryNodes(t *testing.T) {
	one, two := []Node{{0, []int{0, 1}}}, []Node{{0, []int{0, 1}}, {2, []int{2, 3}}}
	for _, tt := range []struct {
		all     []Node
		allowed []int
		want    []int // IDs for three processes; none is bound if empty
	}{
		{one, []int{0, 1}, nil},
		{two, []int{0, 1, 2, 3}, []int{0, 2, 0}},
		{two, []int{1, 2}, []int{0, 2, 0}},
		{two, []int{2, 3}, nil}, // this process is bound itself
		{nil, []int{0}, nil},
	} {
		var got []int
		for i := range 3 {
			if n, ok := Deal(Usable(tt.all, tt.allowed), i); ok {
				got = append(got, n.ID)
			}
		}
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%v, allowed %v: dealt to %v, want %v", tt.all, tt.allowed, got, tt.want)
		}
	}
}

func TestTheHomeOfAProcess(t *testing.T) {
	two := []Node{{0, []int{0, 1}}, {1, []int{2, 3}}}
	for _, tt := range []struct {
		all     []Node
		allowed []int
		want    int // -1 for none
	}{{two, []int{2}, 1}, {two, []int{0, 1}, 0}, {two, []int{1, 2}, -1}, {two[:1], []int{0}, -1}, {two, []int{7}, -1}, {nil, []int{0}, -1}} {
		n, ok := Home(tt.all, tt.allowed)
		if ok != (tt.want >= 0) || ok && n.ID != tt.want {
			t.Errorf("%v on %v: %v, %v, want %d", tt.allowed, tt.all, n, ok, tt.want)
		}
	}
}
