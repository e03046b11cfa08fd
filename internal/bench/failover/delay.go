package failover

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/hachi-serve/hachi/internal/bench/measure"
	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/metric"
)

// DelayConfig describes a measurement of answers that are late now and then.
type DelayConfig struct {
	Up      local.UpConfig
	Delay   Delay // of every node
	Streams int
	Tokens  int // per stream
	Repeat  int // runs that are counted, of each setting
	// NodeCommand is the subcommand of Up.Binary that runs an expert node with
	// the flags of Delay.Flags.
	NodeCommand []string
	// Progress is called before each setting.
	Progress func(what string)
}

// Delay delays some answers of a node.
type Delay struct {
	Fraction float64 // of all answers, 0 to 1
	By       time.Duration
}

// Flags are the flags of DelayConfig.NodeCommand.
func (d Delay) Flags() []string {
	return []string{"--delay-fraction", strconv.FormatFloat(d.Fraction, 'g', -1, 64), "--delay", d.By.String()}
}

// inject replaces the command of every expert node by NodeCommand.
func (c DelayConfig) inject(name string, argv []string) []string {
	if !strings.HasPrefix(name, "expert-") {
		return argv
	}
	return slices.Concat(argv[:1], c.NodeCommand, c.Delay.Flags(), argv[2:])
}

// Validate reports every fault at once.
func (c DelayConfig) Validate() error {
	var faults []error
	if c.Delay.Fraction <= 0 || c.Delay.Fraction > 1 || c.Delay.By <= 0 {
		faults = append(faults, fmt.Errorf("delay of %v for a fraction of %v: want more than 0 for a fraction in (0, 1]", c.Delay.By, c.Delay.Fraction))
	}
	if c.Streams < 1 || c.Tokens <= settled || c.Repeat < 1 {
		faults = append(faults, fmt.Errorf("%d streams of %d tokens, %d times: want at least 1 of %d, once", c.Streams, c.Tokens, c.Repeat, settled+1))
	}
	return errors.Join(faults...)
}

// DelayReport is inter-token latency without delayed answers, and with them, with
// and without hedging.
type DelayReport struct {
	Fraction    float64         `json:"delayed_fraction"`
	DelayMS     float64         `json:"delay_ms"`
	Streams     int             `json:"streams"`
	Tokens      int             `json:"tokens"`
	Repeat      int             `json:"repeat"`
	Undisturbed measure.Latency `json:"undisturbed"`
	Unhedged    measure.Latency `json:"unhedged"`
	Hedged      measure.Latency `json:"hedged"`
	// Speedup is Unhedged.P99 / Hedged.P99. ExtraRows are the rows that hedging
	// sent beyond those of the undisturbed cluster, as a fraction of the latter.
	Speedup   float64 `json:"p99_speedup"`
	ExtraRows float64 `json:"extra_rows"`
}

// RunDelay measures a cluster without delayed answers, one that waits for them, and
// one that hedges them. A token that differs between them is an error.
func RunDelay(ctx context.Context, c DelayConfig) (DelayReport, error) {
	if err := c.Validate(); err != nil {
		return DelayReport{}, err
	}
	r := DelayReport{Fraction: c.Delay.Fraction, DelayMS: measure.Milliseconds(c.Delay.By), Streams: c.Streams, Tokens: c.Tokens, Repeat: c.Repeat}
	var want []stream
	var rows [3]float64
	for i, s := range []struct {
		what    string
		late    bool
		noHedge bool
		gaps    *measure.Latency
	}{
		{"undisturbed", false, false, &r.Undisturbed},
		{"late answers, waited for", true, true, &r.Unhedged},
		{"late answers, hedged", true, false, &r.Hedged},
	} {
		if c.Progress != nil {
			c.Progress(s.what)
		}
		up := c.Up
		up.Serving.DisableHedging = s.noHedge
		if s.late {
			up.Exec = c.inject
		}
		got, err := c.measure(ctx, up, want)
		if err != nil {
			return r, fmt.Errorf("%s: %w", s.what, err)
		}
		want, rows[i], *s.gaps = got.streams, got.rows, measure.LatencyOf(got.gaps)
	}
	r.Speedup, r.ExtraRows = r.Unhedged.P99/r.Hedged.P99, rows[2]/rows[0]-1
	return r, nil
}

// setting is what one cluster did.
type setting struct {
	streams []stream
	gaps    []time.Duration
	rows    float64
}

// measure runs the streams on a cluster of their own. The first run is not
// counted: it teaches the router how long calls take.
func (c DelayConfig) measure(ctx context.Context, up local.UpConfig, want []stream) (setting, error) {
	m, err := open(ctx, Config{Up: up, Streams: c.Streams, Tokens: c.Tokens})
	if err != nil {
		return setting{}, err
	}
	defer m.close(ctx)
	var out setting
	for i := range c.Repeat + 1 {
		got, err := m.load.run(ctx, nil)
		if err != nil {
			return out, err
		}
		if want == nil {
			want = got
		}
		if err := differ(got, want); err != nil {
			return out, err
		}
		out.streams = want
		for _, s := range got {
			if i > 0 {
				out.gaps = append(out.gaps, s.gaps(time.Time{}, settled-1)...)
			}
		}
	}
	metrics, err := m.metrics(ctx)
	out.rows = metrics[metric.SentRows.Name]
	return out, err
}

// WriteText writes inter-token latency of each cluster.
func (r DelayReport) WriteText(out io.Writer) {
	fmt.Fprintf(out, "%.3g %% of answers late by %.0f ms, %d streams of %d tokens, %d times: no stream failed, every token is that of the undisturbed cluster\n",
		100*r.Fraction, r.DelayMS, r.Streams, r.Tokens, r.Repeat)
	fmt.Fprintln(out, "inter-token latency")
	writeLatencies(out, []latency{{"undisturbed", r.Undisturbed}, {"late answers, waited for", r.Unhedged}, {"late answers, hedged", r.Hedged}})
	fmt.Fprintf(out, "p99 better by %.1f times, for %.2f %% more rows\n", r.Speedup, 100*r.ExtraRows)
}
