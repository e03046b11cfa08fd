package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
)

// verifyCheckpoint hashes every tensor, with progress for people.
func verifyCheckpoint(cmd *cobra.Command, ckpt *checkpoint.Checkpoint, quiet bool) error {
	shown := int64(-1)
	_, err := ckpt.Verify(cmd.Context(), func(done, total int64) {
		if percent := done * 100 / max(1, total); !quiet && percent/10 != shown {
			shown = percent / 10
			fmt.Fprintf(cmd.OutOrStdout(), "%3d%% verified\n", percent)
		}
	})
	return err
}
