package role

import (
	"github.com/hachi-serve/hachi/internal/metric"
	"github.com/hachi-serve/hachi/internal/tracing"
)

// CheckTracing adds the faults of the section tracing.
func CheckTracing(f *Faults, c tracing.Config) {
	if err := c.CheckEndpoint(); err != nil {
		f.Addf("tracing.endpoint", "%w", err)
	}
	if err := c.CheckRatio(); err != nil {
		f.Addf("tracing.ratio", "%w", err)
	}
	if err := c.CheckLink(); err != nil {
		f.Addf("tracing.link", "%w", err)
	}
}

// openTracer starts the exporter of a process; nil without an endpoint.
func (c ClusterConfig) openTracer(to tracing.Config, role metric.Role) (*tracing.Tracer, error) {
	t, err := tracing.Open(to, tracing.Process{Role: string(role), Name: c.ID, Cluster: c.Cluster}, c.Logger)
	if err != nil {
		return nil, &ConfigError{Err: &FieldError{Field: "tracing.endpoint", Err: err}}
	}
	return t, nil
}
