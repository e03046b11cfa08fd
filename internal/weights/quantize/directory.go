package quantize

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
)

// Source gives the tensors of a model, one at a time.
type Source interface {
	Config() model.Config
	// Tensor returns a weight and what gives its memory back.
	Tensor(s checkpoint.Spec) (tensor.Weight, func() error, error)
}

// Options say what Directory writes.
type Options struct {
	To      tensor.DType // Int8 or Int4; Invalid keeps every type
	Dense   bool         // attention and head too
	Kernels *kernel.Kernels
	Threads int
	// Progress, which may be nil, gets the bytes of the source done and in total.
	Progress func(done, total int64)
}

// Checkpoint is an open checkpoint as a Source.
type Checkpoint struct{ *checkpoint.Checkpoint }

// Tensor implements Source.
func (c Checkpoint) Tensor(s checkpoint.Spec) (tensor.Weight, func() error, error) {
	m, err := c.MapTensor(s)
	if err != nil {
		return tensor.Weight{}, nil, err
	}
	return m.Weight, m.Close, nil
}

// Directory writes a checkpoint to dst, which must not exist. side are files
// to be copied into it: configuration, tokenizer and the like.
func Directory(ctx context.Context, dst string, src Source, side []string, o Options) (err error) {
	if _, err := os.Lstat(dst); !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s exists already: choose another directory", dst)
	}
	parent, name := filepath.Split(filepath.Clean(dst))
	work, err := os.MkdirTemp(parent, "."+name+"-*")
	if err != nil {
		return err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(work)
		}
	}()
	for _, path := range side {
		if err := copyFile(filepath.Join(work, filepath.Base(path)), path); err != nil {
			return err
		}
	}
	w := writer{ctx: ctx, src: src, o: o}
	if err := w.write(filepath.Join(work, "model.safetensors")); err != nil {
		return err
	}
	return errors.Join(os.Chmod(work, 0o755), os.Rename(work, dst))
}

// SideFiles lists what a checkpoint directory holds besides weights and what
// other programs note about them.
func SideFiles(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, err
	}
	var out []string
	for _, e := range entries {
		n := e.Name()
		weights := strings.Contains(n, ".safetensors") || strings.HasSuffix(n, ".bin") || strings.HasSuffix(n, ".gguf") || strings.HasSuffix(n, ".pt")
		notes := n == "quant_config.json" || n == "quantize_config.json" // of AutoAWQ and AutoGPTQ
		if e.Type().IsRegular() && !weights && !notes && n != checkpoint.ManifestFile && !strings.HasPrefix(n, ".") {
			out = append(out, filepath.Join(dir, n))
		}
	}
	return out, nil
}

func copyFile(to, from string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}
