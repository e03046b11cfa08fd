package main

import (
	"fmt"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/compute/kernel"
	"github.com/hachi-serve/hachi/model/gguf"
	"github.com/hachi-serve/hachi/model/quantise"
)

func newModelImport() *cobra.Command {
	var to, words string
	o := quantise.Options{Kernels: kernel.Best()}
	cmd := &cobra.Command{
		Use:   "import FILE.gguf DIR",
		Short: "write a GGUF file of a Mixtral as a checkpoint",
		Long: `import writes a checkpoint directory from a GGUF file. Q8_0 becomes int8 and
Q4_0 int4, exactly; Q4_K and Q6_K become int8. Weights that are not quantized
stay as they are, or become --to.`,
		Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if to != "" {
				if o.To, err = quantisedType(to); err != nil {
					return err
				}
			}
			f, err := gguf.Open(args[0], o.Kernels, o.Threads)
			if err != nil {
				return err
			}
			defer f.Close()
			dir, err := os.MkdirTemp("", "hachi-import-*")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			side, err := f.WriteSideFiles(dir)
			if err != nil {
				return err
			}
			if words != "" {
				more, err := filepath.Glob(filepath.Join(words, "*token*"))
				if err != nil {
					return err
				}
				side = append(side, more...)
			}
			if err := quantise.Directory(cmd.Context(), args[1], f, side, o); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "wrote %s to %s\n", args[0], args[1])
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&to, "to", "", "int8 or int4 for weights that are not quantized yet")
	f.BoolVar(&o.Dense, "dense", false, "with --to: attention and head too")
	f.StringVar(&words, "tokenizer", "", "directory whose tokenizer files and chat template to take")
	f.IntVar(&o.Threads, "threads", runtime.GOMAXPROCS(0), "cores to work with")
	return cmd
}
