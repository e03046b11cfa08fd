package sampler_test

import (
	"fmt"
	"log"

	"github.com/hachi-serve/hachi/internal/router/sampler"
)

// A draw depends on seed, choice and position only: another process that holds
// the same logits draws the same tokens.
func ExampleSampler_Sample() {
	draw := func() (out []int32) {
		s := sampler.New(sampler.Params{Temperature: 1, TopK: 3, Seed: 7}, 0, nil, nil)
		var scratch sampler.Workspace
		for position := range 8 {
			token, err := s.Sample(&scratch, []float32{0.1, 2, 1.9, -1, 2.1}, position)
			if err != nil {
				log.Fatal(err)
			}
			s.Accept(token)
			out = append(out, token)
		}
		return out
	}
	fmt.Println(draw())
	fmt.Println(draw())
	// Output:
	// [2 1 1 1 2 4 4 2]
	// [2 1 1 1 2 4 4 2]
}
