package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/weights/publish"
)

func newModelPush() *cobra.Command {
	var by role.SourceConfig
	cmd := &cobra.Command{
		Use:   "push DIR URL",
		Short: "copy a checkpoint to s3://BUCKET/PREFIX or oci:DIRECTORY[:TAG]",
		Long: `push hashes every tensor of a checkpoint and copies it to an S3-compatible store or
an OCI layout: a safetensors file for each expert and each layer, their index, the
hashes and the text files. Files that are there already are skipped, so a copy that
was cut is continued.`,
		Args: arguments(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			to, err := by.Target(cmd.Context(), args[1])
			if err != nil {
				return &role.ConfigError{Err: err}
			}
			if err := publish.Push(cmd.Context(), args[0], to, copyProgress(cmd.OutOrStdout())); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "pushed %s to %s\n", args[0], args[1])
			return err
		},
	}
	sourceFlags(configFlags{cmd.Flags()}, &by)
	return cmd
}

func newModelPull() *cobra.Command {
	var by role.SourceConfig
	cmd := &cobra.Command{
		Use:   "pull URL DIR",
		Short: "copy a model from a URL to a directory, and verify it",
		Long: `pull copies a whole model to a directory and compares every tensor with the
hashes of its source, if it has some. A copy that was cut is continued. Nodes need
no copy: they fetch what they compute with from the URL.`,
		Args: arguments(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			logger, err := newLogger("warn")
			if err != nil {
				return err
			}
			from, err := by.Open(cmd.Context(), args[0], logger)
			if err != nil {
				return &role.ConfigError{Err: err}
			}
			if err := publish.Pull(cmd.Context(), from, args[1], copyProgress(cmd.OutOrStdout())); err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "pulled %s to %s\n", args[0], args[1])
			return err
		},
	}
	sourceFlags(configFlags{cmd.Flags()}, &by)
	return cmd
}

// copyProgress prints how far a copy is, a line for each tenth.
func copyProgress(out io.Writer) publish.Progress {
	shown := int64(-1)
	return func(_ string, _ bool, done, total int64) {
		if tenth := done * 10 / max(1, total); tenth != shown {
			shown = tenth
			fmt.Fprintf(out, "%3d%% of %.1f MB\n", tenth*10, float64(total)/1e6)
		}
	}
}
