package moe_test

import (
	"fmt"
	"log"

	"github.com/hachi-serve/hachi/moe"
)

// A placement lists the replicas of every expert, the preferred first.
func ExampleNewPlacement() {
	a, b := moe.Replica{Node: "a", Addr: "10.0.0.1:7070"}, moe.Replica{Node: "b", Addr: "10.0.0.2:7070"}
	p, err := moe.NewPlacement(1, "mixtral/bf16", moe.Uniform(1, 2), [][]moe.Replica{{a, b}, {b, a}})
	if err != nil {
		log.Fatal(err)
	}
	for _, r := range p.Replicas(moe.ExpertID{Layer: 0, Expert: 1}) {
		fmt.Println(r.Node, r.Addr)
	}
	_, err = moe.NewPlacement(2, "mixtral/bf16", moe.Uniform(1, 2), [][]moe.Replica{{a}, nil})
	fmt.Println(err)
	// Output:
	// b 10.0.0.2:7070
	// a 10.0.0.1:7070
	// placement: expert L0/E1 has no replica
}
