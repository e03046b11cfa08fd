package role

import (
	"log/slog"
	"path/filepath"
	"runtime"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/hachi-serve/hachi/internal/backend"
	"github.com/hachi-serve/hachi/internal/metric"
)

// TestABudgetHasTheCoresThatTheProcessMayUse: those of its quota, of which GOMAXPROCS has
// two more than a role computes with.
func TestABudgetHasTheCoresThatTheProcessMayUse(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("a budget needs Linux")
	}
	usable := runtime.GOMAXPROCS(0) + 3
	m := ModelConfig{CoreBudget: filepath.Join(t.TempDir(), "cores"), Cores: usable}
	shared, err := m.joinCores(slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer shared.close()
	if got := shared.member.Cores(); got != usable {
		t.Errorf("a budget of %d cores, want %d", got, usable)
	}
	shared.member.Take(2)
	registry := prometheus.NewRegistry()
	registry.MustRegister(coreBudgetOf(shared.closedAfter(backend.Device(nil))))
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]float64{}
	for _, f := range families {
		got[f.GetName()] = f.GetMetric()[0].GetGauge().GetValue()
	}
	if got[metric.BudgetCores.Name] != float64(usable) || got[metric.BudgetHeld.Name] != 2 || len(got) != 4 {
		t.Errorf("the metrics are %v", got)
	}
}
