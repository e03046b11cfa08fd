package scrape

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"regexp"
	"strconv"

	"github.com/hachi-serve/hachi/internal/metric"
)

// expertSeries is a counter of rows that a router sent to an expert. Its labels have the
// order of their names.
var expertSeries = regexp.MustCompile(`^` + metric.ExpertRows.Name + `\{expert="(\d+)",layer="(\d+)"\}$`)

// maxIndex bounds layers and experts.
const maxIndex = 1 << 16

// Routing are the rows that experts had, [layer][expert]: what routing.file of a simulated
// cluster holds. A layer without experts is empty.
type Routing [][]float64

// ReadRouting reads the rows since the start of each router, from their metrics.
func ReadRouting(ctx context.Context, c *http.Client, routers []string) (Routing, error) {
	var sum Routing
	for _, url := range routers {
		series, err := Metrics(ctx, c, url)
		if err != nil {
			return nil, err
		}
		one, err := RoutingOf(series)
		if err == nil && sum != nil {
			one, err = one.Plus(sum)
		}
		if err != nil {
			return nil, fmt.Errorf("%s/metrics: %w", url, err)
		}
		sum = one
	}
	return sum, nil
}

// RoutingOf picks the counters of a router's metrics, which Metrics read.
func RoutingOf(series map[string]float64) (Routing, error) {
	counts := map[[2]int]float64{}
	layers, experts := 0, 0
	for name, rows := range series {
		m := expertSeries.FindStringSubmatch(name)
		if m == nil {
			continue
		}
		expert, err := strconv.Atoi(m[1])
		layer, layerErr := strconv.Atoi(m[2])
		if err = errors.Join(err, layerErr); err != nil || expert >= maxIndex || layer >= maxIndex {
			return nil, fmt.Errorf("%s: want a layer and an expert below %d", name, maxIndex)
		}
		counts[[2]int{layer, expert}] = rows
		layers, experts = max(layers, layer+1), max(experts, expert+1)
	}
	if layers == 0 {
		return nil, fmt.Errorf("no %s: want the metrics of a router, after its first request", metric.ExpertRows.Name)
	}
	out := make(Routing, layers)
	for layer := range out {
		for expert := range experts {
			if rows, ok := counts[[2]int{layer, expert}]; ok && len(out[layer]) == expert {
				out[layer] = append(out[layer], rows)
				delete(counts, [2]int{layer, expert})
			}
		}
	}
	if len(counts) > 0 {
		return nil, errors.New("some experts of a layer have no counter: want a router without --metrics-top-experts")
	}
	return out, nil
}

// Since are the rows after an earlier reading.
func (r Routing) Since(before Routing) (Routing, error) {
	out, err := r.plus(before, -1)
	if err != nil {
		return nil, err
	}
	sum := 0.0
	for _, experts := range out {
		for _, rows := range experts {
			if rows < 0 {
				return nil, errors.New("a counter of rows has fallen: a router has started again")
			}
			sum += rows
		}
	}
	if sum == 0 {
		return nil, errors.New("no expert had a row: want the metrics of the routers that serve")
	}
	return out, nil
}

// Plus adds other's rows.
func (r Routing) Plus(other Routing) (Routing, error) { return r.plus(other, 1) }

// plus adds other's rows, with a sign.
func (r Routing) plus(other Routing, sign float64) (Routing, error) {
	if len(r) != len(other) {
		return nil, fmt.Errorf("%d layers, %d before: want routers of one model", len(r), len(other))
	}
	out := make(Routing, len(r))
	for layer := range r {
		if len(r[layer]) != len(other[layer]) {
			return nil, fmt.Errorf("layer %d: %d experts, %d before: want routers of one model", layer, len(r[layer]), len(other[layer]))
		}
		out[layer] = make([]float64, len(r[layer]))
		for expert, rows := range r[layer] {
			out[layer][expert] = rows + sign*other[layer][expert]
		}
	}
	return out, nil
}

// Write writes a line for each layer, as JSON.
func (r Routing) Write(out io.Writer) error {
	for layer, experts := range r {
		before, after := " ", ","
		if layer == 0 {
			before = "["
		}
		if layer == len(r)-1 {
			after = "]"
		}
		raw, err := json.Marshal(experts)
		if err != nil {
			return err
		}
		if _, err := fmt.Fprintf(out, "%s%s%s\n", before, raw, after); err != nil {
			return err
		}
	}
	return nil
}
