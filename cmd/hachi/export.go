package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/weights/mini"
)

func newModelExport() *cobra.Command {
	var ifAbsent bool
	c := &cobra.Command{
		Use:   "export mini DIR",
		Short: "write hachi-mini, the model that is part of hachi, as a Hugging Face directory",
		Long: `export writes the checkpoint that hachi up serves without --model: bf16 weights in
safetensors, tokenizer, chat template and configurations, as transformers loads
them. The files are those that hachi serves, byte by byte.`,
		Args: arguments(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			if args[0] != "mini" && args[0] != mini.Name {
				return &role.ConfigError{Err: fmt.Errorf("model %q is not part of hachi: only mini is; hachi model init writes random ones", args[0])}
			}
			write := mini.Write
			if ifAbsent {
				write = mini.Ensure
			}
			if err := write(args[1]); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "wrote %s to %s\n", mini.Name, args[1])
			return nil
		},
	}
	c.Flags().BoolVar(&ifAbsent, "if-absent", false, "do nothing when DIR holds the model already")
	return c
}
