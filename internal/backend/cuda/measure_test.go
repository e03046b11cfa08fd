package cuda

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"hash"
	"math"
	"math/rand/v2"
	"os"
	"testing"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/backend/cpu"
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/moe"
)

// The flags of `make gpu-check`. By themselves they are small, for a fake driver.
var (
	hiddenSize = flag.Int("hidden", 192, "hidden size of the measured experts")
	ffnSize    = flag.Int("ffn", 320, "inner size of the measured experts")
	calls      = flag.Int("calls", 1, "calls of a measurement; the median is reported")
	untimed    = flag.Bool("untimed", false, "compare rows only")
	reportFile = flag.String("report", "", "file for the report, as JSON")
)

// timing is what one call costs.
type timing struct {
	Format   string  `json:"format"`
	Experts  int     `json:"experts"`
	Rows     int     `json:"rows"`      // of each expert
	CallUS   float64 `json:"call_us"`   // from rows in host memory to replies there
	KernelUS float64 `json:"kernel_us"` // of that on the device, without the copies
	GBps     float64 `json:"gb_per_s"`  // of weights, by the kernels
	TFlops   float64 `json:"tflop_per_s"`
	OfRead   float64 `json:"percent_of_read"` // of what a plain read takes
}

// report is what `make gpu-check` prints.
type report struct {
	Device   string             `json:"device"`
	Family   string             `json:"family"`
	Hidden   int                `json:"hidden"`
	FFN      int                `json:"ffn"`
	ReadGBps float64            `json:"read_gb_per_s"`  // the ceiling
	RMS      map[string]float64 `json:"rms_of_float64"` // by format and kernel
	OfCPU    map[string]float64 `json:"rms_of_cpu"`     // the family of processors, by format
	Digest   string             `json:"digest"`         // of every output: equal in every process
	Timings  []timing           `json:"timings"`
}

// noise is an expert in a format, the same in every process. Rows of noise repeat, so
// that a large one is made in seconds.
func noise(t *testing.T, format tensor.DType, seed uint64) model.ExpertWeights {
	t.Helper()
	matrix := func(rows, cols int, seed uint64) tensor.Weight {
		block := 16 * max(1, min(rows/16, 8))
		rng, v := rand.New(rand.NewPCG(seed, 7)), make([]float32, block*cols)
		for i := range v {
			v[i] = float32(rng.NormFloat64()) / 40
		}
		small := tensor.Weight{DType: tensor.BF16, Rows: block, Cols: cols, Data: make([]byte, 2*len(v))}
		tensor.Encode(small.Data, v, tensor.BF16)
		if format != tensor.BF16 {
			small = quantized(t, small, format)
		}
		data := bytes.Repeat(small.Data, (rows+block-1)/block)
		return tensor.Weight{DType: format, Rows: rows, Cols: cols, Data: data[:format.Bytes(rows, cols)]}
	}
	return model.ExpertWeights{W1: matrix(*ffnSize, *hiddenSize, 3*seed), W2: matrix(*hiddenSize, *ffnSize, 3*seed+1), W3: matrix(*ffnSize, *hiddenSize, 3*seed+2)}
}

// randomRows are n rows of x.
func randomRows(n int) []byte {
	rng, v := rand.New(rand.NewPCG(5, 5)), make([]float32, n**hiddenSize)
	for i := range v {
		v[i] = float32(rng.NormFloat64())
	}
	x := make([]byte, 2*len(v))
	tensor.Encode(x, v, tensor.BF16)
	return x
}

// TestLargeExperts: rows keep their bits for every number of rows, in both kernels and
// every format, at the size of the flags; values are those of float64 and of the
// processor. It prints how fast they are, which on a fake driver says nothing.
func TestLargeExperts(t *testing.T) {
	r := report{Hidden: *hiddenSize, FFN: *ffnSize, RMS: map[string]float64{}, OfCPU: map[string]float64{}}
	open, digest := openers(t, ""), sha256.New()
	for _, kernel := range []string{wgmmaKernel, portableKernel} {
		opened, err := withKernel(Backend(Config{Open: open}), kernel).Open(backend.Options{Threads: 16})
		if err != nil {
			t.Fatal(err)
		}
		d := opened.(*device)
		r.Device, r.Family = d.Name, d.Info().ExpertFamily
		r.ReadGBps = max(r.ReadGBps, readCeiling(t, d))
		for _, format := range portableFormats {
			if kernel == wgmmaKernel || format == tensor.BF16 { // of the rest both have the same images
				measure(t, d, format, &r, digest)
			}
		}
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	}
	if err := r.check(); err != nil {
		t.Error(err)
	}
	r.Digest = hex.EncodeToString(digest.Sum(nil)[:8])
	writeReport(t, r)
}

// writeReport logs a report, and writes it to the file of the flag.
func writeReport(t *testing.T, r any) {
	t.Helper()
	text, err := json.MarshalIndent(r, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%s", text)
	if *reportFile != "" {
		if err := os.WriteFile(*reportFile, text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// activeExperts is how many experts a decode step of few sequences meets.
const activeExperts = 8

// measure loads experts of a format, compares rows, and times calls, in the kernel of
// the device and, of quantized weights, in the other one. Its rows go to digest.
func measure(t *testing.T, d *device, format tensor.DType, r *report, digest hash.Hash) {
	t.Helper()
	e := loaded(t, d, format, activeExperts)
	x, was := randomRows(min(300, 20**calls)), d.kernels.name
	size := 2 * *hiddenSize
	var first []byte
	for _, kernel := range []string{was, portableKernel} {
		d.kernels.name = kernel
		if first != nil && (kernel == was || format == tensor.BF16) {
			continue
		}
		name := fmt.Sprintf("%v %s", format, kernel)
		out := sameAmongAny(t, e, name, x)
		if first == nil {
			first = out
			digest.Write(out)
		} else if !bytes.Equal(out, first) {
			t.Errorf("%s: rows differ from those of %s", name, was)
		}
		r.RMS[name] = distance(noise(t, format, 0), x[:size], out[:size])
		if !*untimed {
			timings(t, d, e, name, r)
		}
	}
	d.kernels.name = was
	if err := e.Close(); err != nil {
		t.Error(err)
	}
	if rows := min(4, len(x)/size); was == wgmmaKernel && !*untimed {
		r.OfCPU[format.String()] = ofProcessor(t, format, x[:rows*size], first[:rows*size])
	}
}

// loaded has some experts of a format on a device.
func loaded(t *testing.T, d *device, format tensor.DType, n int) *experts {
	t.Helper()
	cfg := measuredModel()
	e, err := newExperts(d, shapeOf(cfg), cfg)
	if err != nil {
		t.Fatal(err)
	}
	for expert := range n {
		if err := e.Load(t.Context(), moe.ExpertID{Expert: expert}, noise(t, format, uint64(expert))); err != nil {
			t.Fatal(err)
		}
	}
	return e
}

func measuredModel() model.Config {
	return model.Config{Layers: 1, Hidden: *hiddenSize, FFN: *ffnSize, Experts: activeExperts, DType: tensor.BF16}
}

// sameAmongAny asks the first expert for each row of x by itself, compares them with
// those of larger calls, and returns them.
func sameAmongAny(t *testing.T, e *experts, name string, x []byte) []byte {
	t.Helper()
	size := 2 * *hiddenSize
	rows := len(x) / size
	out := make([]byte, len(x))
	for i := range rows {
		call(t, e, 1, 1, x[i*size:], out[i*size:(i+1)*size])
	}
	for _, n := range []int{2, 7, 9, 17, 33, 65, 129, 300} {
		n = min(n, rows)
		among := make([]byte, n*size)
		call(t, e, 1, n, x, among)
		if !bytes.Equal(among, out[:len(among)]) {
			t.Errorf("%s: rows differ among %d rows from what they are by themselves", name, n)
		}
	}
	return out
}

// ofProcessor is |y - z| / |z| for what the processor computes of the first expert.
func ofProcessor(t *testing.T, format tensor.DType, x, y []byte) float64 {
	t.Helper()
	opened, err := cpu.Backend().Open(backend.Options{Threads: 8})
	if err != nil {
		t.Fatal(err)
	}
	e, err := opened.OpenExperts(measuredModel(), model.Numerics{Wire: tensor.BF16, FFNActivation: tensor.BF16})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Load(t.Context(), moe.ExpertID{}, noise(t, format, 0)); err != nil {
		t.Fatal(err)
	}
	z := make([]byte, len(y))
	g := moe.Group{}
	for i := range len(x) / (2 * *hiddenSize) {
		g.Index = append(g.Index, int32(i))
	}
	if err := e.Run(t.Context(), 0, []moe.Group{g}, x, z); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(e.Close(), opened.Close()); err != nil {
		t.Error(err)
	}
	got, want := make([]float32, len(y)/2), make([]float32, len(z)/2)
	tensor.Decode(got, y, tensor.BF16)
	tensor.Decode(want, z, tensor.BF16)
	difference, size := 0.0, 0.0
	for i, v := range want {
		difference += float64(got[i]-v) * float64(got[i]-v)
		size += float64(v) * float64(v)
	}
	return math.Sqrt(difference / size)
}

// call asks the first experts for n rows each.
func call(t *testing.T, e *experts, experts, n int, x, y []byte) {
	t.Helper()
	var groups []moe.Group
	for expert := range experts {
		g := moe.Group{Expert: expert}
		for i := range n {
			g.Index = append(g.Index, int32(i))
		}
		groups = append(groups, g)
	}
	if err := e.Run(t.Context(), 0, groups, x[:n*2**hiddenSize], y); err != nil {
		t.Fatal(err)
	}
}

// distance is |y - float64| / |float64| for some outputs of one row.
func distance(w model.ExpertWeights, x, y []byte) float64 {
	in, got := make([]float32, *hiddenSize), make([]float32, *hiddenSize)
	tensor.Decode(in, x, tensor.BF16)
	tensor.Decode(got, y, tensor.BF16)
	row := func(m tensor.Weight, r int) []float32 {
		v := make([]float32, m.Cols)
		if m.DType.Quantized() {
			tensor.Dequantize(v, m, r)
		} else {
			tensor.Decode(v, m.Data[2*r*m.Cols:2*(r+1)*m.Cols], m.DType)
		}
		return v
	}
	dot := func(m tensor.Weight, r int, x []float64) (sum float64) {
		for i, v := range row(m, r) {
			sum += float64(v) * x[i]
		}
		return sum
	}
	wide := make([]float64, len(in))
	for i, v := range in {
		wide[i] = float64(v)
	}
	inner := make([]float64, *ffnSize)
	for i := range inner {
		gate := dot(w.W1, i, wide)
		inner[i] = gate / (1 + math.Exp(-gate)) * dot(w.W3, i, wide)
	}
	difference, size := 0.0, 0.0
	for o := 0; o < len(got); o += max(1, len(got)/64) {
		want := dot(w.W2, o, inner)
		difference += (float64(got[o]) - want) * (float64(got[o]) - want)
		size += want * want
	}
	return math.Sqrt(difference / size)
}

// check bounds the distances.
func (r report) check() error {
	for what, all := range map[string]map[string]float64{"float64": r.RMS, "the processor": r.OfCPU} {
		for name, rms := range all {
			if !(rms < 0.02) {
				return fmt.Errorf("%s is %g from %s, want at most 0.02", name, rms, what)
			}
		}
	}
	return nil
}
