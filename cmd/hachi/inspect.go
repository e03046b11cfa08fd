package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/source"
)

func newModelInspect() *cobra.Command {
	var verify, asJSON bool
	var from role.SourceConfig
	cmd := &cobra.Command{
		Use:   "inspect DIR|URL",
		Short: "describe a checkpoint, and say for what a router would refuse it",
		Long: `inspect describes a checkpoint: its shape, its weights, its tokenizer and its
chat template, and the sampling of requests that do not state it. It reads what
a router reads at its start, lists everything for which it would not start, and
ends with status 78 then. With --verify, it hashes every tensor and keeps the
hashes for the nodes. Of a URL it fetches headers, a page of each tensor and small
tensors only; with --verify, every byte.`,
		Args: arguments(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			report, ckpt, err := inspectModel(cmd.Context(), role.ModelConfig{Dir: args[0], Source: from})
			if ckpt != nil {
				defer ckpt.Close()
				if verify {
					if err := verifyCheckpoint(cmd, ckpt, asJSON); err != nil {
						return err
					}
				}
				summary := ckpt.Summary()
				report.Summary = &summary
			}
			report.Faults = []string{}
			if err != nil {
				report.Faults = explain(cmd, err)
				err = &role.ConfigError{Err: err}
			}
			return errors.Join(report.print(cmd.OutOrStdout(), asJSON), err)
		},
	}
	cmd.Flags().BoolVar(&verify, "verify", false, "hash every tensor and write the manifest")
	sourceFlags(configFlags{cmd.Flags()}, &from)
	cmd.Flags().BoolVar(&asJSON, "json", false, "print JSON, with the faults")
	return cmd
}

// inspection is what is known about a checkpoint. A part that a fault hides is
// nil.
type inspection struct {
	*checkpoint.Summary
	Text   *role.TextSummary `json:"text,omitempty"`
	Faults []string          `json:"faults"` // for which a router would not start
}

// inspectModel reads a checkpoint as a router does. The error has all faults; the
// checkpoint is nil if its weights cannot be served.
func inspectModel(ctx context.Context, m role.ModelConfig) (inspection, *checkpoint.Checkpoint, error) {
	report, ckpt, err := inspectFiles(ctx, m, role.GenerationConfigAuto)
	if ckpt != nil {
		err = errors.Join(role.InspectWeights(ctx, ckpt), err)
	}
	return report, ckpt, err
}

// inspectFiles reads a checkpoint without its weights, of which it reads a sample.
func inspectFiles(ctx context.Context, m role.ModelConfig, generationConfig string) (inspection, *checkpoint.Checkpoint, error) {
	var report inspection
	opened, err := m.Open(ctx, slog.New(slog.DiscardHandler))
	ckpt := opened.Checkpoint
	if checkpoint.FaultOf(err) == checkpoint.Foreign || err != nil && source.IsRemote(m.Dir) {
		return report, nil, err // it is no checkpoint at all, or has no directory to go on with
	}
	dir := m.Dir
	var cfg model.Config
	var errConfig error
	if source.IsRemote(m.Dir) {
		dir, cfg = opened.TextDir, ckpt.Config()
	} else {
		cfg, errConfig = checkpoint.ReadConfig(dir)
	}
	if errConfig != nil {
		cfg = model.Config{Vocab: math.MaxInt32} // the text files are judged by themselves
	}
	text, errText := role.InspectText(dir, cfg, generationConfig)
	if errConfig == nil && errText == nil {
		report.Text = &text
	}
	return report, ckpt, errors.Join(err, errText)
}

// print writes the report as JSON, or as a line for each fact without the faults.
func (r inspection) print(out io.Writer, asJSON bool) error {
	if asJSON {
		return printJSON(out, r)
	}
	if r.Summary != nil {
		if _, err := io.WriteString(out, r.Summary.String()); err != nil {
			return err
		}
	}
	if r.Text == nil {
		return nil
	}
	template := "the checkpoint's own"
	if !r.Text.ChatTemplate {
		template = "none, the plain [INST] format"
	}
	_, err := fmt.Fprintf(out, "%-12s %d tokens; an answer ends with %v\n%-12s %s\n", "tokenizer", r.Text.Tokens, r.Text.EOS, "template", template)
	s := r.Text.Sampling
	_, errSampling := fmt.Fprintf(out, "%-12s temperature %v, top_p %v, top_k %v, min_p %v, repetition_penalty %v, unless a request says otherwise\n",
		"sampling", s.Temperature, s.TopP, s.TopK, s.MinP, s.RepetitionPenalty)
	err = errors.Join(err, errSampling)
	for _, note := range r.Text.Notes {
		_, errNote := fmt.Fprintf(out, "%-12s %s\n", "note", note)
		err = errors.Join(err, errNote)
	}
	return err
}
