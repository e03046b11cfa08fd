package main

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/bench/scrape"
	"github.com/hachi-serve/hachi/internal/bench/serve"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/role"
)

func newBench() *cobra.Command {
	return group("bench", "run benchmarks",
		newBenchServe(), newBenchFailover(), newBenchGateway(), newBenchObserve(), newBenchOverload(), newBenchHostile(), newBenchCluster(), newBenchShare(), newBenchScale(), newBenchPlacement(), newBenchElasticity(), newBenchRPC(), newBenchKernel(), newBenchModel(), newBenchAccuracy())
}

// maxFailures is how often in a row a process may fail at its start before a benchmark
// gives up.
const maxFailures = 4

// ownCluster completes the configuration of a cluster that a benchmark starts: this
// binary, a tiny model if none was named, and a new data directory, which the
// caller removes. The ends of processes are printed.
func ownCluster(cmd *cobra.Command, up *local.UpConfig, dir string) (err error) {
	if up.Logger, err = newLogger(up.LogLevel); err != nil {
		return err
	}
	if up.Binary, err = os.Executable(); err != nil {
		return err
	}
	if up.DataDir, err = os.MkdirTemp("", dir); err != nil {
		return err
	}
	up.MaxFailures, up.Events.Child = maxFailures, (&progress{out: cmd.ErrOrStderr()}).child
	if up.Model.Dir == "" {
		up.Model.Dir = tinyModelDir(up.DataDir)
		err = makeTinyModel(up.Model.Dir, cmd.ErrOrStderr())
	}
	return err
}

// benchModelFlags say which model the cluster of a benchmark serves.
func benchModelFlags(f configFlags, m *role.ModelConfig) {
	f.text("model", "model.dir", &m.Dir, "checkpoint directory, or the URL of one; a tiny random model when empty")
	sourceFlags(f, &m.Source)
}

// benchServe is what `hachi bench serve` was asked for.
type benchServe struct {
	client    serve.Client
	workload  serve.Workload
	rates     []float64
	arrival   string
	objective serve.Objective
	options   serve.Options
	plot      string
	routing   string
	metrics   []string
	steps     serve.Steps
	printer   printer
}

func newBenchServe() *cobra.Command {
	b := benchServe{client: serve.Client{HTTP: &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 4096}}}}
	var maxPrompt, maxAnswer int
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "load a running server with requests at given rates and report latencies and goodput",
		Long: `serve sends streamed completions at times drawn from a seed, whatever the
answers do (open loop), one run per rate, and reports time to first token,
inter-token latency and end-to-end latency, throughput, and goodput: answers
that keep --slo-ttft and --slo-itl. --record-routing writes how many rows each
expert of each layer had, for the routing of a cluster that hachi sim simulates.

With --decode or --prefill it sends no load. It measures what hachi bench model
does, by HTTP: the rate of a number of streams while all of them decode, and the time to
the first token of a prompt by itself.`,
		Args: arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			if len(b.steps.Decode)+len(b.steps.Prefill) > 0 {
				return b.runSteps(cmd)
			}
			b.workload.Arrival = serve.Arrival(b.arrival)
			b.workload.Prompt, b.workload.Answer = serve.Conversations(maxPrompt, maxAnswer)
			return b.run(cmd)
		},
	}
	f := cmd.Flags()
	f.StringVar(&b.client.URL, "url", defaultURL, "server to load")
	f.StringVar(&b.client.Key, "api-key", "", apiKeyUsage)
	f.StringVar(&b.client.Model, "model", "", "model to ask for; the server's only one when empty")
	f.Float64SliceVar(&b.rates, "rate", []float64{1}, "`requests` per second; several rates, R1,R2,..., are one run each")
	f.StringVar(&b.arrival, "arrival", string(serve.Poisson), "poisson or fixed")
	f.DurationVar(&b.workload.Duration, "duration", 30*time.Second, "how long requests arrive at each rate")
	f.Uint64Var(&b.workload.Seed, "seed", 1, "same seed, same requests")
	f.IntVar(&maxPrompt, "max-prompt", 1024, "maximum prompt, tokens")
	f.IntVar(&maxAnswer, "max-answer", 512, "maximum answer, tokens")
	f.DurationVar(&b.objective.First, "slo-ttft", time.Second, "maximum time to first token of a good answer; 0 is any")
	f.DurationVar(&b.objective.Gap, "slo-itl", 200*time.Millisecond, "maximum mean inter-token latency of a good answer; 0 is any")
	f.DurationVar(&b.options.Drain, "drain", 5*time.Minute, "maximum wait for answers after the last arrival")
	f.StringVar(&b.plot, "plot", "", "file for an SVG of latency against load")
	f.StringVar(&b.routing, "record-routing", "", "`file` for the rows of each expert by layer, of all rates: JSON, as routing.file of hachi sim")
	f.StringSliceVar(&b.metrics, "metrics-url", nil, "`URLs` of routers' metrics, for --record-routing; that of --url when empty, which is for a router and not for a gateway")
	f.IntSliceVar(&b.steps.Decode, "decode", nil, "streams that decode at once, in place of --rate; several numbers, N1,N2,..., take turns")
	f.IntSliceVar(&b.steps.Prefill, "prefill", nil, "tokens of a prompt by itself, in place of --rate; several numbers, N1,N2,..., take turns")
	f.IntVar(&b.steps.Context, "context", 64, "tokens of the prompts of --decode")
	f.IntVar(&b.steps.Tokens, "tokens", 256, "tokens of the answers of --decode")
	f.IntVar(&b.steps.Rounds, "rounds", 7, "repetitions of --decode and --prefill; medians are reported")
	b.printer.register(cmd)
	return cmd
}

// runSteps measures steps as hachi bench model does.
func (b benchServe) runSteps(cmd *cobra.Command) error {
	b.steps.Seed = b.workload.Seed
	r, err := serve.RunSteps(cmd.Context(), b.client, b.steps)
	if err != nil {
		return err
	}
	return b.printer.print(cmd, r)
}

// run measures one rate after another.
func (b benchServe) run(cmd *cobra.Command) error {
	reports := serve.Reports{Objective: b.objective}
	record, err := b.recordRouting(cmd)
	if err != nil {
		return err
	}
	for _, b.workload.Rate = range b.rates {
		b.options.Progress = b.progress(cmd.ErrOrStderr())
		samples, err := serve.Run(cmd.Context(), b.client, b.workload, b.options)
		if err != nil {
			return err
		}
		reports.Runs = append(reports.Runs, serve.Summarize(b.workload, samples, b.objective))
	}
	if err := record(); err != nil {
		return err
	}
	if b.plot != "" {
		err := writeFile(b.plot, func(out io.Writer) error { return serve.WritePlot(out, reports.Runs) })
		if err != nil {
			return err
		}
	}
	return b.printer.print(cmd, reports)
}

// recordRouting reads what experts have had, if that is wanted. What it returns writes what
// they have had since.
func (b benchServe) recordRouting(cmd *cobra.Command) (func() error, error) {
	if b.routing == "" {
		return func() error { return nil }, nil
	}
	urls := b.metrics
	if len(urls) == 0 {
		urls = []string{b.client.URL}
	}
	read := func() (scrape.Routing, error) { return scrape.ReadRouting(cmd.Context(), b.client.HTTP, urls) }
	before, err := read()
	return func() error {
		after, err := read()
		if err != nil {
			return err
		}
		since, err := after.Since(before)
		if err != nil {
			return err
		}
		return writeFile(b.routing, since.Write)
	}, err
}

// progress prints a line every few seconds; none for JSON.
func (b benchServe) progress(out io.Writer) func(sent, ended, all int) {
	last := time.Now()
	return func(sent, ended, all int) {
		if b.printer.json || time.Since(last) < 5*time.Second {
			return
		}
		last = time.Now()
		fmt.Fprintf(out, "%.4g req/s: %d of %d sent, %d ended\n", b.workload.Rate, sent, all, ended)
	}
}

// writeFile creates a file and fills it.
func writeFile(path string, write func(io.Writer) error) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	if err := write(f); err != nil {
		f.Close()
		return err
	}
	return f.Close()
}
