package model

import (
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/moe"
)

// Combine adds the experts' replies to the residual x [rows, hidden]: per
// element acc = w0*y0, then acc += w1*y1, ... in ascending expert id, then
// x += acc, every operation rounded to f32. reply returns y [hidden] of a row's
// slot 0..K-1; acc is scratch [hidden].
func Combine(x tensor.Matrix, r moe.Routing, acc []float32, reply func(row, slot int) []float32) {
	for row := range x.Rows {
		out := x.Row(row)
		acc := acc[:len(out)]
		for slot := range r.K {
			w, y := r.Weights[row*r.K+slot], reply(row, slot)[:len(out)]
			if slot == 0 {
				for j, v := range y {
					acc[j] = w * v
				}
				continue
			}
			for j, v := range y {
				acc[j] += float32(w * v)
			}
		}
		for j, v := range acc {
			out[j] += v
		}
	}
}
