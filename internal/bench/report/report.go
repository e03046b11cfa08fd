package report

import (
	"bytes"
	"encoding/json"
	"io"
	"text/tabwriter"
)

// Report is what a benchmark measured. Its exported fields are its JSON.
type Report interface {
	// WriteText writes lines for people. A line whose cells each end with a tab
	// is a row; neighboring rows are a table, whose cells are aligned to the
	// right. Writes do not fail.
	WriteText(out io.Writer)
}

// Print writes a report as text or as JSON.
func Print(out io.Writer, r Report, asJSON bool) error {
	var b bytes.Buffer
	if asJSON {
		e := json.NewEncoder(&b)
		e.SetIndent("", "  ")
		if err := e.Encode(r); err != nil {
			return err
		}
	} else {
		t := tabwriter.NewWriter(&b, 0, 0, 2, ' ', tabwriter.AlignRight)
		r.WriteText(t)
		if err := t.Flush(); err != nil {
			return err
		}
	}
	_, err := out.Write(b.Bytes())
	return err
}
