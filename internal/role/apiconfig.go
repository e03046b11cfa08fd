package role

import (
	"time"

	"github.com/hachi-serve/hachi/internal/api/httpapi"
	"github.com/hachi-serve/hachi/internal/text/chat"
)

// APIConfig says how requests are read and answered, by routers and by gateways.
type APIConfig struct {
	ModelName       string        `yaml:"modelName"`
	RequestDeadline time.Duration `yaml:"requestDeadline"`
	Attributes      []string      `yaml:"attributes"` // NAME=VALUE
	// CORSOrigins are the origins whose pages may call the HTTP API; "*" is every
	// one.
	CORSOrigins []string `yaml:"corsOrigins"`
	// StreamHeartbeat is the time between the comments of a silent stream; 0 is
	// httpapi.DefaultHeartbeat.
	StreamHeartbeat time.Duration `yaml:"streamHeartbeat"`
	// GenerationConfig says where the defaults of sampling come from: auto takes
	// them from the checkpoint's generation_config.json, none keeps the API's; "" is
	// auto.
	GenerationConfig string `yaml:"generationConfig"`
}

// attributes parses the server's SteerLM defaults.
func (a APIConfig) attributes() (chat.Attributes, error) {
	out, err := chat.ParseAttributes(a.Attributes)
	if err != nil {
		return nil, &FieldError{Field: "serving.attributes", Err: err}
	}
	return out, nil
}

// Check adds the section's faults.
func (a APIConfig) Check(f *Faults) {
	if a.RequestDeadline <= 0 {
		f.Addf("serving.requestDeadline", "%v: want more than 0", a.RequestDeadline)
	}
	for _, origin := range a.CORSOrigins {
		if err := httpapi.CheckOrigin(origin); err != nil {
			f.Addf("serving.corsOrigins", "%w", err)
		}
	}
	if a.StreamHeartbeat < 0 {
		f.Addf("serving.streamHeartbeat", "%v: want 0 or more", a.StreamHeartbeat)
	}
	f.OneOf("serving.generationConfig", a.GenerationConfig, "", GenerationConfigAuto, GenerationConfigNone)
	if _, err := a.attributes(); err != nil {
		*f = append(*f, err)
	}
}
