package tune

import (
	"bufio"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"

	"github.com/hachi-serve/hachi/internal/compute/kernel"
)

// Machine is what a choice is made for. Two that are equal need no other choice.
type Machine struct {
	CPU     string `json:"cpu"`
	Flags   string `json:"flags"` // a digest of the instructions that it has
	Cores   int    `json:"cores"` // that are computed with
	Kernels string `json:"kernels"`
	// Build names the program and its variants: an older one may have had slower
	// code under the same names.
	Build string `json:"build"`
}

// ThisMachine describes the machine for kernels, some cores and a build.
func ThisMachine(k *kernel.Kernels, cores int, build string) Machine {
	m := Machine{CPU: "unknown", Cores: cores, Kernels: k.Name(), Build: build}
	if file, err := os.Open("/proc/cpuinfo"); err == nil {
		defer file.Close()
		m.readCPU(file)
	}
	var names []string
	for _, p := range k.Products() {
		names = append(names, p.String()+": "+strings.Join(k.Variants(p), " "))
	}
	m.Build += " variants " + digest(strings.Join(names, "\n"))
	return m
}

// readCPU reads what Linux says of the first processor. Architectures name these
// fields differently.
func (m *Machine) readCPU(in io.Reader) {
	names := []string{"vendor_id", "cpu family", "model", "model name", "stepping", "CPU implementer", "CPU part", "CPU variant", "CPU revision"}
	var parts []string
	for lines := bufio.NewScanner(in); lines.Scan(); {
		name, value, ok := strings.Cut(lines.Text(), ":")
		if name, value = strings.TrimSpace(name), strings.TrimSpace(value); !ok {
			break // an empty line ends a processor
		}
		switch {
		case slices.Contains(names, name):
			parts = append(parts, value)
		case name == "flags" || name == "Features":
			m.Flags = digest(value)
		}
	}
	if len(parts) > 0 {
		m.CPU = strings.Join(parts, " ")
	}
}

// file is the name of the file that keeps the choice of a machine.
func (m Machine) file() (string, error) {
	data, err := json.Marshal(m)
	if err != nil {
		return "", fmt.Errorf("machine: %w", err)
	}
	return digest(string(data)) + ".json", nil
}

// digest is a short name of a text.
func digest(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:8])
}
