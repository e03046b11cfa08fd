package calibrate

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"math"
	"strings"
	"testing"

	"github.com/hachi-serve/hachi/internal/bench/cell"
	"github.com/hachi-serve/hachi/internal/bench/kernel"
	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/bench/rpc"
)

// config is that of a small model.
const config = `{"architectures": ["MixtralForCausalLM"], "model_type": "mixtral", "hidden_size": 256, "intermediate_size": 512, "num_hidden_layers": 2,
"num_attention_heads": 4, "num_key_value_heads": 2, "head_dim": 64, "vocab_size": 1000, "num_local_experts": 8, "num_experts_per_tok": 2,
"max_position_embeddings": 4096, "rms_norm_eps": 1e-5, "rope_theta": 1e6, "torch_dtype": "bfloat16", "hidden_act": "silu", "bos_token_id": 1, "eos_token_id": 2}`

// cellOf is one of some nodes and sequences, without results.
func cellOf(nodes, batch int) cell.Cell {
	limits := cell.Limits{Stream: 40, CoreStream: 25}
	uniform := []float64{1, 1, 1, 1, 1, 1, 1, 1}
	return cell.Cell{
		Setting: cell.Setting{Model: "m", Nodes: nodes, Replicas: 1, NodeThreads: 1, RouterThreads: 2, Batch: batch, Prompt: 8, Answer: 8, Answers: 1},
		Config:  json.RawMessage(config), Machine: cell.Machine{Cores: 2}, Routing: [][]float64{uniform, uniform},
		Result: cell.Result{Limits: limits}, Rounds: []cell.Round{{Limits: limits}},
	}
}

func benchmarks() (kernel.Report, rpc.Report) {
	k := kernel.Report{Kernels: []kernel.Result{{Name: "bf16 x 1 rows", Rate: 50, Unit: "GB/s"}, {Name: "bf16 x 32 rows", Rate: 320, Unit: "Gop/s"}}}
	hop := func(payload, nodes int, us float64) rpc.Result {
		return rpc.Result{Pin: rpc.Unpinned, Variant: rpc.Secure, Shape: rpc.Shape{Payload: payload, FanOut: nodes, Sequential: 1}, P50: us, P99: 3 * us, NodeCPU: 40}
	}
	return k, rpc.Report{Results: []rpc.Result{hop(8<<10, 1, 120), hop(8<<10, 8, 330), hop(512<<10, 1, 1128)}}
}

func TestBenchmarksGiveRatesAndTheNetwork(t *testing.T) {
	f, err := initial(benchmarks())
	if err != nil {
		t.Fatal(err)
	}
	// A weight of bf16 meets 32 rows in 64/320 ns, of which reading takes 2/50 ns.
	if want := 64 / (0.2 - 0.04) * 1e9; math.Abs(f.Rates["bf16"]-want) > 1e-3*want || len(f.Rates) != 1 {
		t.Errorf("rates %v, want %g of bf16", f.Rates, want)
	}
	if math.Abs(f.Message-15) > 1e-9 || f.Work != 20 || math.Abs(f.Tail/f.Latency-3) > 1e-9 || f.Latency < 20 || f.Latency > 30 || math.Abs(f.Bandwidth-2e9) > 2e8 {
		t.Errorf("%+v", f)
	}
	if _, err := initial(kernel.Report{}, rpc.Report{}); err == nil {
		t.Error("no benchmark is enough")
	}
}

func TestEveryThirdCellIsFittedTo(t *testing.T) {
	cells := []cell.Cell{cellOf(1, 1), cellOf(1, 2), cellOf(2, 1), cellOf(2, 2), cellOf(2, 3)}
	cells[0].Setting.Fault, cells[0].Setting.Replicas = "kill", 1
	training, err := divide(cells)
	if err != nil || len(training) != 2 || !training[cells[1].Setting.Name()] || training[cells[0].Setting.Name()] {
		t.Errorf("%v are fitted to: %v", training, err)
	}
	if _, err := divide(cells[:1]); err == nil {
		t.Error("one cell is fitted to and judges")
	}
	cells[1].Setting.Loss = 0.1
	if _, err := clustersOf(cells); err == nil {
		t.Error("lost packets are simulated")
	}
}

func TestTheSimplexFindsAValley(t *testing.T) {
	rosenbrock := func(x []float64) float64 { return math.Pow(1-x[0], 2) + 100*math.Pow(x[1]-x[0]*x[0], 2) }
	if best, _ := minimize(rosenbrock, []float64{-1, 1}, 0.5, 400); best.value > 1e-6 {
		t.Errorf("%+v", best)
	}
	count := 0
	minimize(func(x []float64) float64 { count++; return x[0] * x[0] }, []float64{5}, 1, 10)
	if count > 12 {
		t.Errorf("%d evaluations, 10 were allowed", count)
	}
}

// TestAFitFindsTheMachineOfSimulatedCells: cells that another fit simulates are nearer
// after the search than before, and their own fit is exact.
func TestAFitFindsTheMachineOfSimulatedCells(t *testing.T) {
	c := Config{Evaluations: 60}
	c.Kernel, c.RPC = benchmarks()
	truth, err := initial(c.Kernel, c.RPC)
	if err != nil {
		t.Fatal(err)
	}
	truth.Launch, truth.Draw, truth.Core = 40, 300, 0.5
	for _, nodes := range []int{1, 2} {
		for _, batch := range []int{1, 4, 8} {
			c.Cells = append(c.Cells, cellOf(nodes, batch))
		}
	}
	clusters, err := clustersOf(c.Cells)
	if err != nil {
		t.Fatal(err)
	}
	predicted, err := predictAll(clusters, truth)
	if err != nil {
		t.Fatal(err)
	}
	again, err := predictAll(clusters, truth)
	if err != nil {
		t.Fatal(err)
	}
	for i := range c.Cells {
		one := &c.Cells[i]
		if r := predicted[one.Setting.Name()]; distance(r, again[one.Setting.Name()]) != 0 {
			t.Errorf("the same fit predicts %v and %v", r, again[one.Setting.Name()])
		}
		limits := one.Result.Limits
		one.Result = predicted[one.Setting.Name()]
		one.Result.Limits = limits
	}
	off := func(evaluations int) float64 {
		c.Evaluations = evaluations
		r, err := Run(c)
		if err != nil {
			t.Fatal(err)
		}
		if r.HeldOut[0].Cells != 4 || r.Fitted[0].Cells != 2 {
			t.Fatalf("%+v", r)
		}
		return r.HeldOut[0].MAPE["throughput"]
	}
	if before, after := off(0), off(60); after > before/2 || after > 0.1 {
		t.Errorf("throughput of the cells held out is off by %.3f after the search, by %.3f before", after, before)
	}
}

func judged(measured, simulated float64, held bool, model string) Judged {
	of := func(v float64) cell.Result {
		l := measure.Latency{P50: v, P99: v}
		return cell.Result{Throughput: v, First: l, Gap: l, Total: l}
	}
	return Judged{Name: model, Setting: cell.Setting{Model: model}, HeldOut: held, Measured: of(measured), Simulated: of(simulated)}
}

func TestErrorsAreOfModelsAndOfAll(t *testing.T) {
	r := Report{Cells: []Judged{judged(100, 110, true, "a"), judged(100, 80, true, "b"), judged(100, 150, false, "a")}}
	r.judge()
	if len(r.HeldOut) != 3 || len(r.Fitted) != 2 {
		t.Fatalf("%+v", r)
	}
	all := r.HeldOut[0]
	if math.Abs(all.Bias["throughput"]+0.05) > 1e-9 || math.Abs(all.MAPE["ITL p99"]-0.15) > 1e-9 || math.Abs(r.Fitted[0].Bias["E2E p50"]-0.5) > 1e-9 {
		t.Errorf("%+v", r)
	}
	var text, figure bytes.Buffer
	r.WriteText(&text)
	if !strings.Contains(text.String(), "held out") || !strings.Contains(text.String(), "+10 %") {
		t.Error(text.String())
	}
	if err := r.WriteFigure(&figure); err != nil {
		t.Fatal(err)
	}
	for d := xml.NewDecoder(&figure); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			t.Fatal(err)
		}
	}
}
