package main

import (
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/weights/preset"
)

func newModel() *cobra.Command {
	return group("model", "make and inspect checkpoints", newModelInit(), newModelInspect(), newModelQuantize(), newModelImport(), newModelExport(), newModelPush(), newModelPull())
}

func newModelInit() *cobra.Command {
	var name string
	var o preset.Options
	var seed uint64
	cmd := &cobra.Command{
		Use:   "init DIR",
		Short: "write a checkpoint with seeded random weights, a tokenizer and a chat template",
		Long:  "init writes a checkpoint with seeded random weights, a tokenizer and a chat\ntemplate. The presets:\n" + presets(),
		Args:  arguments(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			p, err := preset.Describe(name)
			if err != nil {
				return err
			}
			out, shown := cmd.OutOrStdout(), int64(-1)
			o.Seed = int64(seed)
			o.Config, o.Progress = p.Config, func(done, total int64) {
				if percent := done * 100 / max(1, total); percent/5 != shown {
					shown = percent / 5
					fmt.Fprintf(out, "%3d%% of %.1f GB\n", percent, float64(total)/1e9)
				}
			}
			if err := preset.WriteModel(cmd.Context(), args[0], o); err != nil {
				return err
			}
			fmt.Fprintf(out, "wrote %s to %s\n", name, args[0])
			return nil
		},
	}
	cmd.Flags().StringVar(&name, "preset", "tiny", strings.Join(preset.Names(), ", "))
	cmd.Flags().Uint64Var(&seed, "seed", 1, "same seed, same weights")
	cmd.Flags().BoolVar(&o.Outliers, "outliers", false, "give weights heavy tails and channels of very different sizes, as training does")
	return cmd
}

// presets is a line for each preset.
func presets() string {
	var lines []string
	for _, p := range preset.All() {
		lines = append(lines, fmt.Sprintf("  %-11s %s", p.Name, p.About))
	}
	return strings.Join(lines, "\n")
}
