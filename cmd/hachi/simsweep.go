package main

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/sim/sweep"
)

// simSweep is what `hachi sim sweep` was asked for.
type simSweep struct {
	out, figures string
	atOnce       int
	printer      printer
}

func newSimSweep() *cobra.Command {
	s := simSweep{}
	cmd := &cobra.Command{
		Use:   "sweep SWEEP.yaml",
		Short: "simulate every combination of clusters, nodes, load, placement, replicas, networks and formats",
		Long: `sweep simulates a cell for every combination of the lists of a file, and writes
cells.csv, cells.json, answers.md and the figures that the file names. The same file
gives the same bytes. docs/scaling.md explains the file.`,
		Args: arguments(1),
		RunE: func(cmd *cobra.Command, args []string) error { return s.run(cmd, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&s.out, "out", "", "`directory` for cells.csv, cells.json and answers.md; nothing is written when empty")
	f.StringVar(&s.figures, "figures", "", "`directory` for the figures; that of --out when empty")
	f.IntVar(&s.atOnce, "at-once", runtime.GOMAXPROCS(0), "cells that are simulated at once")
	s.printer.register(cmd)
	return cmd
}

func (s simSweep) run(cmd *cobra.Command, path string) error {
	file, err := sweep.Read(path)
	if err != nil {
		return err
	}
	report, err := file.Run(s.atOnce, func(done, all int) {
		if done%10 == 0 || done == all {
			fmt.Fprintf(cmd.ErrOrStderr(), "%d of %d cells\n", done, all)
		}
	})
	if err != nil {
		return err
	}
	if err := s.write(report); err != nil {
		return err
	}
	return s.printer.print(cmd, report)
}

// write writes the files.
func (s simSweep) write(r *sweep.Report) error {
	figures := s.figures
	if figures == "" {
		figures = s.out
	}
	if s.out != "" {
		if err := os.MkdirAll(s.out, 0o755); err != nil {
			return err
		}
		files := map[string]func(io.Writer) error{
			"cells.csv": r.WriteCSV, "answers.md": r.WriteAnswers, "cells.json": func(out io.Writer) error { return printJSON(out, r) },
		}
		for name, write := range files {
			if err := writeFile(filepath.Join(s.out, name), write); err != nil {
				return err
			}
		}
	}
	if figures == "" {
		return nil
	}
	for _, fig := range r.Figures() {
		err := writeFile(filepath.Join(figures, fig.Name+".svg"), func(out io.Writer) error { return r.WriteFigure(out, fig) })
		if err != nil {
			return err
		}
	}
	return nil
}
