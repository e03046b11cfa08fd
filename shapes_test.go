package hachi_test

import (
	"fmt"
	"reflect"
	"testing"

	"github.com/hachi-serve/hachi"
)

// TestShapesGiveTheSameAnswer: tokens and log probabilities depend on neither
// the number of nodes nor the replicas nor the policy, whole and streamed, and
// not on the death of a node that has a replica.
func TestShapesGiveTheSameAnswer(t *testing.T) {
	want := answers(t, start(t, func(c *hachi.Config) { c.Nodes = 1 }).Client())
	for _, nodes := range []int{1, 2, 3, 5, 8} {
		for _, policy := range []hachi.Policy{hachi.Column, hachi.Balanced} {
			for replicas := 1; replicas <= min(2, nodes); replicas++ {
				t.Run(fmt.Sprintf("%d nodes, %d replicas, %s", nodes, replicas, policy), func(t *testing.T) {
					t.Parallel() // a start waits
					c := start(t, func(c *hachi.Config) { c.Nodes, c.Replicas, c.Policy = nodes, replicas, policy })
					if got := answers(t, c.Client()); !reflect.DeepEqual(got, want) {
						t.Errorf("answers %+v, want %+v", got, want)
					}
					if replicas == 1 {
						return
					}
					if err := c.Kill("expert-0"); err != nil {
						t.Fatal(err)
					}
					if got := answers(t, c.Client()); !reflect.DeepEqual(got, want) {
						t.Errorf("after a kill the answers are %+v, want %+v", got, want)
					}
				})
			}
		}
	}
}
