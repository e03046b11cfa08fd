package main

import (
	"context"
	"log/slog"
	"math/rand/v2"
	"os"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/bench/model"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/text/tokenizer"
)

func newBenchAccuracy() *cobra.Command {
	var c computeFlags
	var text string
	var numerics role.NumericsConfig
	var from role.SourceConfig
	var limit, window int
	cmd := &cobra.Command{
		Use:   "accuracy REFERENCE DIR|URL",
		Short: "compare the answers of a checkpoint with those of another, for instance of a quantized one with its source",
		Args:  arguments(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			pool, err := c.pool("")
			if err != nil {
				return err
			}
			defer pool.Close()
			tokens, err := tokensOf(cmd.Context(), role.ModelConfig{Dir: args[0], Source: from}, text, limit)
			if err != nil {
				return err
			}
			d, err := model.Compare(cmd.Context(), pool, model.Compared{Dir: args[0], Open: openPlace(from)}, model.Compared{Dir: args[1], Open: openPlace(from), Numerics: numerics.Overrides()}, tokens, window)
			if err != nil {
				return err
			}
			return c.print(cmd, d)
		},
	}
	c.register(cmd, 1)
	cmd.Flags().StringVar(&text, "text", "", "file to read; random tokens when empty")
	numericsFlags(configFlags{cmd.Flags()}, &numerics)
	sourceFlags(configFlags{cmd.Flags()}, &from)
	cmd.Flags().IntVar(&limit, "tokens", 4096, "maximum tokens to read")
	cmd.Flags().IntVar(&window, "window", 512, "tokens of a sequence; predictions in its second half count")
	return cmd
}

// tokensOf reads a text with the reference's own tokenizer.
func tokensOf(ctx context.Context, m role.ModelConfig, path string, limit int) ([]int32, error) {
	opened, err := m.Open(ctx, slog.New(slog.DiscardHandler))
	if err != nil {
		return nil, err
	}
	defer opened.Close()
	if path != "" {
		text, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		t, err := tokenizer.Load(opened.TextDir)
		if err != nil {
			return nil, err
		}
		tokens := t.Prompt(string(text))
		return tokens[:min(limit, len(tokens))], nil
	}
	rng := rand.New(rand.NewPCG(1, 2))
	tokens := make([]int32, limit)
	for i := range tokens {
		tokens[i] = rng.Int32N(int32(opened.Config().Vocab))
	}
	return tokens, nil
}
