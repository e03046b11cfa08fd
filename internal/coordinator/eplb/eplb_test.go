package eplb

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"
)

// TestLayoutsAreThePublishedOnes: the first case is the example of the README of
// EPLB. testdata/make_goldens.py computed the others.
func TestLayoutsAreThePublishedOnes(t *testing.T) {
	raw, err := os.ReadFile("testdata/goldens.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Shape
		Loads  [][]float64
		Layout [][]int
	}
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) < 100 {
		t.Fatalf("%d cases", len(cases))
	}
	for _, c := range cases {
		for layer, loads := range c.Loads {
			if got, err := Rebalance(loads, c.Shape); err != nil || !slices.Equal(got, c.Layout[layer]) {
				t.Errorf("%+v of %v: %v, %v, want %v", c.Shape, loads, got, err, c.Layout[layer])
			}
		}
	}
}

func TestShapesThatDoNotDivideAreRefused(t *testing.T) {
	for _, s := range []Shape{
		{}, {Slots: 3, Groups: 1, Nodes: 1, GPUs: 1}, {Slots: 4, Groups: 3, Nodes: 1, GPUs: 1},
		{Slots: 4, Groups: 1, Nodes: 2, GPUs: 1}, {Slots: 5, Groups: 1, Nodes: 1, GPUs: 2},
	} {
		if got, err := Rebalance([]float64{1, 2, 3, 4}, s); err == nil {
			t.Errorf("%+v: %v, want an error", s, got)
		}
	}
}

// Five experts of one layer on two GPUs, one of them with two copies.
func ExampleRebalance() {
	layout, err := Rebalance([]float64{100, 40, 30, 20, 10}, Shape{Slots: 6, Groups: 1, Nodes: 1, GPUs: 2})
	fmt.Println(layout[:3], layout[3:], err)
	// Output:
	// [0 1 4] [0 2 3] <nil>
}
