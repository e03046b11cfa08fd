package verify

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
)

// publisher is a Go module whose files define objects that components make.
type publisher struct {
	module, version string
	sum             string // as in go.sum
	files           []string
}

// publishers are those of all components. Their definitions are read where the operator
// publishes them, so that no copy of them can become old.
var publishers = []publisher{
	{
		"github.com/cert-manager/cert-manager", "v1.21.2", "h1:UWgoYM+KLNtRlqmoWOKjKBOBUPVHeepQ6/ac3ERJW68=",
		[]string{"deploy/crds/cert-manager.io_issuers.yaml"},
	},
	{
		"github.com/kedacore/keda/v2", "v2.21.0", "h1:R6z2HZvstK4RLUMxroNACzBj74xGxt3kG59b5Xc+Xps=",
		[]string{"config/crd/bases/keda.sh_scaledobjects.yaml"},
	},
	{
		"github.com/prometheus-operator/prometheus-operator", "v0.85.0", "h1:M5xLCLEoaW2IJfnuCwFzzpL+jSVQu3KGT84Pye+fW8s=",
		[]string{
			"example/prometheus-operator-crd/monitoring.coreos.com_podmonitors.yaml",
			"example/prometheus-operator-crd/monitoring.coreos.com_prometheusrules.yaml",
		},
	},
	{
		"sigs.k8s.io/gateway-api", "v1.6.3", "h1:lKpJa5bGlraC/QeACvCpsHLdmO6y0iKfzVl6gzaFEYc=",
		[]string{
			"config/crd/standard/gateway.networking.k8s.io_gateways.yaml", "config/crd/standard/gateway.networking.k8s.io_httproutes.yaml",
			"config/crd/standard/gateway.networking.k8s.io_backendtlspolicies.yaml",
		},
	},
}

// Definitions are the CustomResourceDefinitions of the operators, one YAML document
// each. The first call downloads their modules.
var Definitions = sync.OnceValues(func() ([][]byte, error) {
	args := []string{"mod", "download", "-json"}
	for _, o := range publishers {
		args = append(args, o.module+"@"+o.version)
	}
	cmd := exec.Command("go", args...)
	cmd.Dir = os.TempDir() // no module, whose requirements would be downloaded too
	answer, failure := cmd.Output()
	var out [][]byte
	read := json.NewDecoder(bytes.NewReader(answer))
	for _, o := range publishers {
		var got struct{ Path, Version, Error, Dir, Sum string }
		if err := read.Decode(&got); err != nil && !errors.Is(err, io.EOF) {
			return nil, err
		}
		if got.Path != o.module || got.Error != "" || got.Sum != o.sum {
			return nil, fmt.Errorf("go mod download %s@%s: %w: got %s %s %s, want %s", o.module, o.version, failure, got.Path, got.Error, got.Sum, o.sum)
		}
		for _, file := range o.files {
			raw, err := os.ReadFile(filepath.Join(got.Dir, file))
			if err != nil {
				return nil, err
			}
			out = append(out, raw)
		}
	}
	return out, nil
})
