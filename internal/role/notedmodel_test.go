package role

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/journal"
	"github.com/hachi-serve/hachi/internal/model"
)

// slowModel takes a while for each row.
type slowModel struct{}

func (slowModel) Forward(_ context.Context, b *model.Batch, _ tensor.Matrix) error {
	time.Sleep(time.Duration(len(b.Tokens)) * time.Millisecond)
	return nil
}

// TestAStepOfPromptsIsNoted: of 600 rows two are drawn.
func TestAStepOfPromptsIsNoted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := &journal.Journal{}
		number := j.Begin(journal.Request{ID: "r"}, nil)
		for range 5 {
			time.Sleep(time.Millisecond)
			j.Drew(number, 1, 0)
		}
		m := notedModel{slowModel{}, j}
		if err := m.Forward(t.Context(), &model.Batch{Tokens: make([]int32, 600), Outputs: []int32{0, 599}}, tensor.Matrix{}); err != nil {
			t.Fatal(err)
		}
		j.Drew(number, 1, 0)
		stalls := j.Snapshot(0).Running[0].Stalls
		if len(stalls) != 1 || stalls[0].Cause != "a step computed 598 tokens of prompts, for 600ms" {
			t.Errorf("stalls %+v", stalls)
		}
	})
}
