package main

import (
	"encoding/json"
	"io"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/bench/report"
)

// printJSON prints what --json asks for.
func printJSON(out io.Writer, report any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(report)
}

// printer prints the report of a benchmark.
type printer struct{ json bool }

func (p *printer) register(cmd *cobra.Command) {
	cmd.Flags().BoolVar(&p.json, "json", false, "print JSON")
}

func (p printer) print(cmd *cobra.Command, r report.Report) error {
	return report.Print(cmd.OutOrStdout(), r, p.json)
}

// drawn is a report with a figure.
type drawn interface {
	report.Report
	WriteFigure(w io.Writer) error
}

// printDrawn writes the figure into a file, if one is named, and prints the report.
func (p printer) printDrawn(cmd *cobra.Command, r drawn, figure string) error {
	if figure != "" {
		if err := writeFile(figure, r.WriteFigure); err != nil {
			return err
		}
	}
	return p.print(cmd, r)
}
