package planner

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/hachi-serve/hachi/moe"
)

// Natural orders ids with numbers by value: expert-2 before expert-10.
func Natural(a, b moe.NodeID) int {
	pa, na := splitNumber(string(a))
	pb, nb := splitNumber(string(b))
	return cmp.Or(strings.Compare(pa, pb), cmp.Compare(na, nb), strings.Compare(string(a), string(b)))
}

// splitNumber cuts the digits off the end of an id. An id without digits, or with
// a number that no int holds, is a prefix with the number -1.
func splitNumber(id string) (prefix string, number int) {
	prefix = strings.TrimRight(id, "0123456789")
	number, err := strconv.Atoi(id[len(prefix):])
	if err != nil {
		return id, -1
	}
	return prefix, number
}
