package main

import (
	"cmp"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/role"
	"github.com/hachi-serve/hachi/internal/weights/awq"
	"github.com/hachi-serve/hachi/internal/weights/gguf"
	"github.com/hachi-serve/hachi/internal/weights/quantize"
)

// modelImport is what `hachi model import` was asked for.
type modelImport struct {
	source, to string
	words      string   // directory of the text files; "" is the source's own
	ignored    []string // metadata keys
	o          quantize.Options
}

func newModelImport() *cobra.Command {
	var to string
	i := modelImport{o: quantize.Options{Kernels: kernel.Best()}}
	cmd := &cobra.Command{
		Use:   "import SOURCE DIR",
		Short: "write a GGUF file or an AWQ directory of a Mixtral as a checkpoint",
		Long: `import writes a checkpoint directory from a GGUF file or an AWQ checkpoint. Of
a GGUF model in several files (NAME-00001-of-0000N.gguf), give any of them.
Q8_0 and Q5_0 become int8, Q4_0 int4, Q4_K and AWQ int4-affine, MXFP4 mxfp4,
exactly (AWQ with groups below 128 int8, exactly too); Q4_1, Q5_1, Q5_K and
Q6_K become int8. Weights that are not quantized stay as they are, or become
--to. A tensor or a metadata key that may change the arithmetic and that
hachi does not implement is an error that names it.
The tokenizer of a GGUF file, its chat templates and its ends of turns come
along. Text files that a router would refuse are an error before any work.`,
		Args: arguments(2),
		RunE: func(cmd *cobra.Command, args []string) (err error) {
			if to != "" {
				if i.o.To, err = quantizedType(to); err != nil {
					return err
				}
			}
			i.source, i.to = args[0], args[1]
			return i.run(cmd)
		},
	}
	f := cmd.Flags()
	f.StringVar(&to, "to", "", "format for weights that are not quantized yet: "+formatNames())
	f.BoolVar(&i.o.Dense, "dense", false, "with --to: attention and head too")
	f.StringVar(&i.words, "tokenizer", "", "directory whose tokenizer files, chat template and generation_config.json to take")
	f.StringArrayVar(&i.ignored, "ignore-key", nil, "metadata `KEY` of a GGUF file that changes nothing; may be repeated")
	f.IntVar(&i.o.Threads, "threads", runtime.GOMAXPROCS(0), "cores to work with")
	return cmd
}

func (i *modelImport) run(cmd *cobra.Command) error {
	work, err := os.MkdirTemp("", "hachi-import-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	src, side, err := i.open(work)
	if err != nil {
		return err
	}
	defer src.Close()
	text, err := i.inspect(filepath.Join(work, "side"), side, src)
	if err != nil {
		return err
	}
	if err := quantize.Directory(cmd.Context(), i.to, src, side, i.o); err != nil {
		return err
	}
	out := cmd.OutOrStdout()
	fmt.Fprintf(out, "wrote %s to %s\n", i.source, i.to)
	for _, note := range text.Notes {
		fmt.Fprintf(out, "note: %s\n", note)
	}
	return nil
}

// foreign is a model in another format.
type foreign interface {
	quantize.Source
	Close() error
}

// open opens the source and lists the side files of the checkpoint. Those that
// must be made are written to dir.
func (i *modelImport) open(dir string) (src foreign, side []string, err error) {
	info, err := os.Stat(i.source)
	if err != nil {
		return nil, nil, err
	}
	if info.IsDir() {
		src, side, err = i.openAWQ(dir)
	} else {
		src, side, err = i.openGGUF(dir)
	}
	if err != nil {
		return nil, nil, err
	}
	if i.words != "" {
		words, err := textFiles(i.words)
		if err != nil {
			return nil, nil, errors.Join(err, src.Close())
		}
		side = append(slices.DeleteFunc(side, func(path string) bool {
			return slices.ContainsFunc(words, func(word string) bool { return filepath.Base(word) == filepath.Base(path) })
		}), words...)
	}
	return src, side, nil
}

func (i *modelImport) openGGUF(dir string) (foreign, []string, error) {
	f, err := gguf.Open(i.source, gguf.Options{Kernels: i.o.Kernels, Threads: i.o.Threads, IgnoredKeys: i.ignored})
	if err != nil {
		return nil, nil, err
	}
	write := f.WriteSideFiles
	if i.words != "" {
		write = f.WriteConfig
	}
	side, err := write(dir)
	if err != nil {
		return nil, nil, errors.Join(err, f.Close())
	}
	return f, side, nil
}

func (i *modelImport) openAWQ(dir string) (foreign, []string, error) {
	m, err := awq.Open(i.source)
	if err != nil {
		return nil, nil, err
	}
	side, err := quantize.SideFiles(i.source)
	config, errConfig := m.WriteConfig(dir)
	if err := errors.Join(err, errConfig); err != nil {
		return nil, nil, errors.Join(err, m.Close())
	}
	side = slices.DeleteFunc(side, func(path string) bool {
		name := filepath.Base(path)
		return name == filepath.Base(config) || name == awq.QuantizationFile || i.words != "" && isText(name)
	})
	return m, append(side, config), nil
}

// textFiles lists what --tokenizer takes from a directory.
func textFiles(dir string) ([]string, error) {
	side, err := quantize.SideFiles(dir)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(side, func(path string) bool {
		name := filepath.Base(path)
		return !isText(name) && name != "generation_config.json"
	}), nil
}

// isText reports whether a file belongs to the tokenizer or the chat template.
func isText(name string) bool {
	return strings.Contains(name, "token") || strings.HasPrefix(name, "chat_template")
}

// inspect judges side files as if they were in one directory, dir, which it makes
// of links.
func (i *modelImport) inspect(dir string, side []string, src foreign) (role.TextSummary, error) {
	if err := os.Mkdir(dir, 0o700); err != nil {
		return role.TextSummary{}, err
	}
	for _, path := range side {
		path, err := filepath.Abs(path)
		if err == nil {
			err = os.Symlink(path, filepath.Join(dir, filepath.Base(path)))
		}
		if err != nil {
			return role.TextSummary{}, err
		}
	}
	text, err := role.InspectText(dir, src.Config(), role.GenerationConfigAuto)
	if err != nil {
		why := strings.ReplaceAll(err.Error(), dir, cmp.Or(i.words, i.source)) // no path that is gone afterwards
		err = &role.ConfigError{Err: fmt.Errorf("a router would refuse the text files (--tokenizer DIR takes those of another directory): %s", why)}
	}
	return text, err
}
