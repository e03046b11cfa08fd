package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/weights/awq"
	"github.com/hachi-serve/hachi/internal/weights/gguf"
	"github.com/hachi-serve/hachi/internal/weights/quantize"
)

func newModelImport() *cobra.Command {
	var to, words string
	var ignored []string
	o := quantize.Options{Kernels: kernel.Best()}
	cmd := &cobra.Command{
		Use:   "import SOURCE DIR",
		Short: "write a GGUF file or an AWQ directory of a Mixtral as a checkpoint",
		Long: `import writes a checkpoint directory from a GGUF file or an AWQ checkpoint. Of
a GGUF model in several files (NAME-00001-of-0000N.gguf), give any of them.
Q8_0 and Q5_0 become int8, Q4_0 int4, Q4_K and AWQ int4-affine, MXFP4 mxfp4,
exactly (AWQ with groups below 128 int8, exactly too); Q4_1, Q5_1, Q5_K and
Q6_K become int8. Weights that are not quantized stay as they are, or become
--to. A tensor or a metadata key that may change the arithmetic and that
hachi does not implement is an error that names it.`,
		Args: arguments(2),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if to != "" {
				if o.To, err = quantizedType(to); err != nil {
					return err
				}
			}
			dir, err := os.MkdirTemp("", "hachi-import-*")
			if err != nil {
				return err
			}
			defer os.RemoveAll(dir)
			src, side, err := openForeign(args[0], dir, o, ignored)
			if err != nil {
				return err
			}
			defer src.Close()
			if words != "" {
				more, err := filepath.Glob(filepath.Join(words, "*token*"))
				if err != nil {
					return err
				}
				side = append(side, more...)
			}
			if err := quantize.Directory(cmd.Context(), args[1], src, side, o); err != nil {
				return err
			}
			fmt.Fprintf(cmd.OutOrStdout(), "wrote %s to %s\n", args[0], args[1])
			return nil
		},
	}
	f := cmd.Flags()
	f.StringVar(&to, "to", "", "format for weights that are not quantized yet: "+formatNames())
	f.BoolVar(&o.Dense, "dense", false, "with --to: attention and head too")
	f.StringVar(&words, "tokenizer", "", "directory whose tokenizer files and chat template to take")
	f.StringArrayVar(&ignored, "ignore-key", nil, "metadata `KEY` of a GGUF file that changes nothing; may be repeated")
	f.IntVar(&o.Threads, "threads", runtime.GOMAXPROCS(0), "cores to work with")
	return cmd
}

// foreign is a model in another format.
type foreign interface {
	quantize.Source
	Close() error
}

// openForeign opens a GGUF file or an AWQ directory. Side files that must be
// made are written to dir.
func openForeign(path, dir string, o quantize.Options, ignored []string) (foreign, []string, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, nil, err
	}
	if !info.IsDir() {
		f, err := gguf.Open(path, gguf.Options{Kernels: o.Kernels, Threads: o.Threads, IgnoredKeys: ignored})
		if err != nil {
			return nil, nil, err
		}
		side, err := f.WriteSideFiles(dir)
		if err != nil {
			return nil, nil, errors.Join(err, f.Close())
		}
		return f, side, nil
	}
	m, err := awq.Open(path)
	if err != nil {
		return nil, nil, err
	}
	side, err := quantize.SideFiles(path)
	config, err2 := m.WriteConfig(dir)
	if err := errors.Join(err, err2); err != nil {
		return nil, nil, errors.Join(err, m.Close())
	}
	side = slices.DeleteFunc(side, func(p string) bool {
		return slices.Contains([]string{"config.json", awq.QuantizationFile}, filepath.Base(p))
	})
	return m, append(side, config), nil
}
