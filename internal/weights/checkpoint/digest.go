package checkpoint

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"slices"

	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/model/arch"
)

// samplePage is how many bytes of each tensor the digest looks at. Two
// fine-tunes of one model have equal headers; they differ in nearly every page.
const samplePage = 4096

// computeDigest hashes the configuration as understood, not as formatted, and
// per tensor, by name: dtype, shape and a sampled page. How the tensors are
// spread over files does not matter.
func (c *Checkpoint) computeDigest(read pageReader) (string, error) {
	h := sha256.New()
	fmt.Fprintf(h, "hachi checkpoint 1\n%s\n", canonical(c.config))
	for _, t := range c.byName() {
		page, err := read(t)
		if err != nil {
			return "", &Error{File: t.file.path, Tensor: t.Name, Fault: Unreadable, Err: err}
		}
		fmt.Fprintf(h, "%s %v %v\n", t.Name, t.dtype, t.Shape())
		h.Write(page)
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}

// pageReader reads the sampled page of a tensor. The page is valid until the next call.
type pageReader func(located) ([]byte, error)

// readPage reads the page of a tensor in a directory.
func readPage(t located) ([]byte, error) {
	at, n := sample(t.Name, t.bytes)
	page := make([]byte, n)
	_, err := t.file.f.ReadAt(page, t.offset+at)
	return page, err
}

// canonical is the meaning of a configuration, spelt out so that a field added
// to the struct changes no digest unless it is added here.
func canonical(c model.Config) string {
	s := fmt.Sprintf("layers %d hidden %d ffn %d heads %d kv %d head dim %d vocab %d experts %d top %d theta %g eps %g "+
		"window %d tied %t context %d dtype %v bos %d eos %v", c.Layers, c.Hidden, c.FFN, c.Heads, c.KVHeads, c.HeadDim, c.Vocab,
		c.Experts, c.TopK, c.RopeTheta, c.NormEps, c.SlidingWindow, c.TieEmbeddings, c.MaxContext, c.DType, c.BOS, c.EOS)
	if a := arch.Of(c); a.Name != arch.Mixtral().Name {
		s += fmt.Sprintf(" arch %s dense ffn %d in %v gate %d qk norm %t", a.Name, c.DenseFFN, c.DenseLayers, c.Gate, c.QKNorm)
	}
	return s
}

// sample chooses n bytes at offset at of a tensor of size bytes. The place
// depends on the name, so that tensors of one shape are not all looked at in
// the same corner.
func sample(name string, size int64) (at, n int64) {
	if size <= samplePage {
		return 0, size
	}
	sum := sha256.Sum256([]byte(name))
	pages := uint64(size / samplePage)
	return int64(binary.LittleEndian.Uint64(sum[:8])%pages) * samplePage, samplePage
}

func (c *Checkpoint) byName() []located {
	out := make([]located, 0, len(c.tensors))
	for _, t := range c.tensors {
		out = append(out, t)
	}
	slices.SortFunc(out, func(a, b located) int { return cmp.Compare(a.Name, b.Name) })
	return out
}

// reader reads the tensor's bytes from its file.
func (c *Checkpoint) reader(ctx context.Context, t located) io.Reader {
	if c.remote != nil {
		return &remoteReader{ctx: ctx, remote: c.remote, file: t.file.name, at: t.offset, left: t.bytes}
	}
	return io.NewSectionReader(t.file.f, t.offset, t.bytes)
}
