package main

import (
	"encoding/json"
	"io"
)

// printJSON prints what --json asks for.
func printJSON(out io.Writer, report any) error {
	encoder := json.NewEncoder(out)
	encoder.SetIndent("", "  ")
	return encoder.Encode(report)
}
