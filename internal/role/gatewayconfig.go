package role

import (
	"context"
	"log/slog"
	"time"

	"github.com/hachi-serve/hachi/internal/model"
	"github.com/hachi-serve/hachi/internal/tracing"
	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/source"
)

// GatewayConfig configures RunGateway.
type GatewayConfig struct {
	ClusterConfig `yaml:"cluster"`
	Model         TextConfig     `yaml:"model"`
	Serving       RelayConfig    `yaml:"serving"`
	Security      RouterSecurity `yaml:"security"`
	Listen        string         `yaml:"listen"`
	GRPC          string         `yaml:"grpc"`
	// Advertise and AdvertiseGRPC are the addresses in the gateway's record; the
	// listeners' own when empty.
	Advertise     string `yaml:"advertise"`
	AdvertiseGRPC string `yaml:"advertiseGRPC"`
	// Tracing says where the spans of sampled requests go.
	Tracing  tracing.Config `yaml:"tracing"`
	LogLevel string         `yaml:"logLevel"`
}

// TextConfig says whose tokenizer and chat template are used. A directory needs no
// weights.
type TextConfig struct {
	Dir    string       `yaml:"dir"`
	Source SourceConfig `yaml:",inline"`
}

// open returns a directory with the text files of the model, and the configuration of
// the model.
func (t TextConfig) open(ctx context.Context, log *slog.Logger) (dir string, cfg model.Config, err error) {
	if !source.IsRemote(t.Dir) {
		if cfg, err = checkpoint.ReadConfig(t.Dir); err != nil {
			return "", cfg, &ConfigError{Err: err}
		}
		return t.Dir, cfg, nil
	}
	opened, err := ModelConfig{Dir: t.Dir, Source: t.Source}.Open(ctx, log)
	if err != nil {
		return "", cfg, err
	}
	return opened.TextDir, opened.Config(), opened.Close()
}

// RelayConfig bounds what a gateway takes on.
type RelayConfig struct {
	APIConfig `yaml:",inline"`
	// MaxRequests is how many answers there may be at once.
	MaxRequests int `yaml:"maxRequests"`
	// RouterTimeout is how long a router may send neither a token nor a heartbeat.
	// Then its answers go on at another.
	RouterTimeout time.Duration `yaml:"routerTimeout"`
}

const (
	// DefaultMaxRequests bounds a gateway to some megabytes of prompts and answers.
	DefaultMaxRequests = 4096
	// DefaultRouterTimeout is longer than a busy machine keeps a process from its
	// processor. A router that is only late costs the work of another, not the answer.
	DefaultRouterTimeout = time.Second

	minRouterTimeout = 20 * time.Millisecond
)

// DefaultRelay lacks nothing.
func DefaultRelay() RelayConfig {
	return RelayConfig{
		APIConfig: APIConfig{RequestDeadline: DefaultRequestDeadline}, MaxRequests: DefaultMaxRequests, RouterTimeout: DefaultRouterTimeout,
	}
}

// CheckTimeout adds the fault of the timeout, by the field that has it.
func (r RelayConfig) CheckTimeout(f *Faults, field string) {
	if r.RouterTimeout < minRouterTimeout {
		f.Addf(field, "%v: want at least %v", r.RouterTimeout, minRouterTimeout)
	}
}

// DefaultGateway lacks the ID and the model's Dir.
func DefaultGateway() GatewayConfig {
	return GatewayConfig{
		ClusterConfig: defaultCluster(), Serving: DefaultRelay(), Listen: "127.0.0.1:8080", GRPC: "127.0.0.1:8081", Tracing: tracing.Default(), LogLevel: defaultLogLevel,
	}
}

// Validate reports everything wrong at once.
func (c GatewayConfig) Validate() error {
	var f Faults
	CheckTracing(&f, c.Tracing)
	c.ClusterConfig.Check(&f)
	f.Required("model.dir", c.Model.Dir)
	c.Model.Source.check(&f, c.Model.Dir, false)
	c.Serving.APIConfig.Check(&f)
	f.Min("serving.maxRequests", c.Serving.MaxRequests, 1)
	c.Serving.CheckTimeout(&f, "serving.routerTimeout")
	c.Security.check(&f, c.ClusterConfig, map[string]string{"grpc": c.GRPC})
	c.Security.CheckAccess(&f, c.ClusterConfig, c.Listen, c.GRPC)
	f.Address("listen", c.Listen)
	f.Address("grpc", c.GRPC)
	f.OptionalAddress("advertise", c.Advertise)
	f.OptionalAddress("advertiseGRPC", c.AdvertiseGRPC)
	f.LogLevel(c.LogLevel)
	return f.Err()
}
