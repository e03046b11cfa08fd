package checkpoint

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/model/arch"
)

// Checkpoint is an opened, checked model directory.
type Checkpoint struct {
	dir    string // or the name of another place
	remote Remote // nil for a directory
	config model.Config
	// configText is config.json as it was read.
	configText []byte
	layout     []Spec
	tensors    map[string]located
	files      []*file
	ignored    []string
	notes      []string
	digest     string
	manifest   atomic.Pointer[Manifest] // nil when there is no current one
	kept       pages
}

// located is a tensor of the layout and where it is.
type located struct {
	Spec
	dtype  tensor.DType
	file   *file
	offset int64 // from the start of the file
	bytes  int64
}

// Open reads the configuration and all headers of dir, checks them against
// each other, and reads one sampled page per tensor for the digest. A wrong
// checkpoint is an *Error.
func Open(dir string) (*Checkpoint, error) {
	if err := Diagnose(dir); err != nil {
		return nil, err
	}
	c := &Checkpoint{dir: dir, tensors: map[string]located{}}
	var errConfig, errFiles error
	c.config, c.configText, c.ignored, errConfig = readConfig(dir)
	c.files, errFiles = openFiles(dir)
	err := errors.Join(errConfig, errFiles)
	if err == nil {
		err = c.read(readPage)
	}
	if err != nil {
		closeFiles(c.files)
		return nil, err
	}
	return c, nil
}

// ReadConfig reads the configuration of dir without its weights.
func ReadConfig(dir string) (model.Config, error) {
	c, _, _, err := readConfig(dir)
	return c, err
}

func readConfig(dir string) (c model.Config, text []byte, ignored []string, err error) {
	path := filepath.Join(dir, configFile)
	if text, err = readSmall(path, maxConfig); err != nil {
		return c, nil, nil, &Error{File: path, Fault: Unreadable, Err: err}
	}
	c, ignored, err = parseConfig(path, text)
	return c, text, ignored, err
}

func parseConfig(path string, data []byte) (c model.Config, ignored []string, err error) {
	if c, ignored, err = arch.ParseConfig(data); err != nil {
		return c, nil, &Error{File: path, Fault: BadConfig, Err: err}
	}
	return c, ignored, nil
}

// read joins configuration and headers. page reads the sampled page of a tensor.
func (c *Checkpoint) read(page pageReader) error {
	if err := c.arrange(); err != nil {
		return err
	}
	var err error
	if c.digest, err = c.computeDigest(page); err != nil {
		return err
	}
	c.loadManifest()
	return nil
}

// arrange finds the tensors of the layout in the headers.
func (c *Checkpoint) arrange() error {
	c.layout = Layout(c.config)
	if err := c.locate(); err != nil {
		return err
	}
	c.settleDType()
	return nil
}

// Config is the model's shape. Its DType is that of the weight matrices as
// found in the files.
func (c *Checkpoint) Config() model.Config { return c.config }

// ConfigText is config.json as it was read.
func (c *Checkpoint) ConfigText() []byte { return slices.Clone(c.configText) }

// Digest is lower-case hex of a SHA-256 over configuration, headers and a
// sampled page of every tensor.
func (c *Checkpoint) Digest() string { return c.digest }

// Dir is the directory that the checkpoint was opened from, or the name of another place.
func (c *Checkpoint) Dir() string { return c.dir }

// IgnoredKeys lists what was read over: keys of config.json that change
// nothing, and spare tensors as "tensor NAME".
func (c *Checkpoint) IgnoredKeys() []string { return slices.Clone(c.ignored) }

// Notes lists what a person should know though it is no fault.
func (c *Checkpoint) Notes() []string { return slices.Clone(c.notes) }

// ExpertBytes is the size of one expert's weights in the files, the largest if
// they differ.
func (c *Checkpoint) ExpertBytes() int64 {
	var most int64
	for _, id := range c.config.Topology().All() {
		most = max(most, c.bytesOf(c.expertSpecs(id)))
	}
	return most
}

// DenseBytes is the size of the attention node's weights in the files.
func (c *Checkpoint) DenseBytes() int64 {
	return c.bytesOf(c.denseSpecs())
}

func (c *Checkpoint) bytesOf(specs []Spec) int64 {
	var n int64
	for _, s := range specs {
		n += c.tensors[s.Name].bytes
	}
	return n
}

// Close closes the files, or the connections to the place. Maps stay valid.
func (c *Checkpoint) Close() error {
	if c.remote != nil {
		return c.remote.Close()
	}
	return closeFiles(c.files)
}

// locate finds every tensor of the layout and refuses any other.
func (c *Checkpoint) locate() error {
	wanted := make(map[string]Spec, len(c.layout))
	for _, s := range c.layout {
		wanted[s.Name] = s
	}
	var faults []error
	present := map[string]bool{}
	for _, f := range c.files {
		for _, e := range f.entries {
			present[e.name] = true
			spec, ok := wanted[e.name]
			switch {
			case ok:
				faults = append(faults, c.place(f, e, spec))
			case Spare(c.config, e.name):
				c.ignored = append(c.ignored, "tensor "+e.name)
			default:
				faults = append(faults, unexpected(f, e, "only tensors of a "+arch.Of(c.config).Name))
			}
		}
	}
	for _, s := range c.layout {
		if !present[s.Name] {
			faults = append(faults, &Error{File: c.dir, Tensor: s.Name, Fault: Missing, Expected: fmt.Sprintf("shape %v", s.Shape()),
				Found: fmt.Sprintf("no such tensor in %d file(s)", len(c.files))})
		}
	}
	return FirstFew(faults)
}

func unexpected(f *file, e entry, expected string) error {
	return &Error{File: f.path, Tensor: e.name, Fault: Unexpected, Expected: expected, Found: fmt.Sprintf("%s %v", e.dtype, e.shape)}
}

// place checks one tensor against the layout and remembers where it is.
func (c *Checkpoint) place(f *file, e entry, s Spec) error {
	fault := func(f *file, kind Fault, expected, found string) error {
		return &Error{File: f.path, Tensor: e.name, Fault: kind, Expected: expected, Found: found}
	}
	if _, ok := c.tensors[e.name]; ok {
		return fault(f, Duplicate, "it in one file", "it in two")
	}
	dtype, ok := computable[e.dtype]
	if e.dtype == blocksDType && s.Quantizable() {
		dtype, ok = blocksOf(e.shape)
	}
	if !ok {
		return fault(f, WrongDType, "F32, F16 or BF16", e.dtype)
	}
	if want := s.ShapeAs(dtype); !slices.Equal(e.shape, want) {
		return fault(f, WrongShape, fmt.Sprintf("%v from %s", want, configFile), fmt.Sprint(e.shape))
	}
	c.tensors[e.name] = located{Spec: s, dtype: dtype, file: f, offset: f.start + e.begin, bytes: e.end - e.begin}
	return nil
}

// settleDType makes the type most matrix elements have the configuration's.
func (c *Checkpoint) settleDType() {
	count := map[tensor.DType]int64{}
	for _, t := range c.tensors {
		if !t.Vector {
			count[t.dtype] += t.Elements()
		}
	}
	most := tensor.F32
	for _, d := range tensor.Formats() {
		if count[d] > count[most] {
			most = d
		}
	}
	if said := c.config.DType; said != tensor.Invalid && said != most && !most.Quantized() {
		c.notes = append(c.notes, fmt.Sprintf("%s says the weights are %v, the files hold %v: the files win", configFile, said, most))
	}
	c.config.DType = most
}

// FirstFew joins at most ten faults: a wrong configuration makes thousands. Nil is
// no fault.
func FirstFew(faults []error) error {
	const shown = 10
	faults = slices.DeleteFunc(faults, func(err error) bool { return err == nil })
	if more := len(faults) - shown; more > 0 {
		faults = append(faults[:shown:shown], fmt.Errorf("and %d more faults", more))
	}
	return errors.Join(faults...)
}
