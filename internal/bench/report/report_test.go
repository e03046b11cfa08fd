package report

import (
	"errors"
	"fmt"
	"io"
	"math"
	"strings"
	"testing"
)

type rates struct {
	Model string    `json:"model"`
	Rates []float64 `json:"rates"`
}

func (r rates) WriteText(out io.Writer) {
	fmt.Fprintf(out, "model %s\n", r.Model)
	fmt.Fprintln(out, "row\ttokens/s\t")
	for i, v := range r.Rates {
		fmt.Fprintf(out, "%d\t%.1f\t\n", i, v)
	}
	fmt.Fprintf(out, "%d rows\n", len(r.Rates))
}

func TestPrintWritesTextOrJSON(t *testing.T) {
	for asJSON, want := range map[bool]string{
		false: "model small\n  row  tokens/s\n    0      46.4\n    1     245.6\n2 rows\n",
		true:  "{\n  \"model\": \"small\",\n  \"rates\": [\n    46.4,\n    245.6\n  ]\n}\n",
	} {
		var out strings.Builder
		if err := Print(&out, rates{"small", []float64{46.4, 245.6}}, asJSON); err != nil || out.String() != want {
			t.Errorf("as JSON %v: %v\n%s\nwant\n%s", asJSON, err, &out, want)
		}
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, io.ErrShortWrite }

func TestPrintReportsFaults(t *testing.T) {
	for _, asJSON := range []bool{false, true} {
		if err := Print(full{}, rates{}, asJSON); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("as JSON %v: error %v, want %v", asJSON, err, io.ErrShortWrite)
		}
	}
	var out strings.Builder
	if err := Print(&out, rates{Rates: []float64{math.NaN()}}, true); err == nil || out.Len() > 0 {
		t.Errorf("a report without a JSON form: error %v, output %q", err, &out)
	}
}
