package role

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"

	"github.com/hachi-serve/hachi/internal/weights/checkpoint"
	"github.com/hachi-serve/hachi/internal/weights/publish"
	"github.com/hachi-serve/hachi/internal/weights/source"
	"github.com/hachi-serve/hachi/internal/weights/source/oci"
	"github.com/hachi-serve/hachi/internal/weights/source/s3"
)

// SourceConfig says how a model that is not in a directory is fetched.
type SourceConfig struct {
	// WeightsCache is the directory that keeps what was fetched; in the user's cache when
	// empty.
	WeightsCache     string `yaml:"weightsCache"`
	WeightsCacheSize Size   `yaml:"weightsCacheSize"` // 0 is no limit
	// Credentials is a file: a bearer token for HTTPS, a shared credentials file of the AWS
	// tools for S3.
	Credentials string `yaml:"credentials"`
	// S3Endpoint is the URL of an S3-compatible store; Amazon's, or that of the
	// environment, when empty.
	S3Endpoint    string   `yaml:"s3Endpoint"`
	RedirectHosts []string `yaml:"redirectHosts"` // to which the server of the model may redirect
}

// check adds the faults of a model's place and of the way to it. nodesOnly says that the
// process can do with what other nodes have.
func (s SourceConfig) check(f *Faults, model string, nodesOnly bool) {
	place, peers := source.CutPeers(model)
	if err := source.CheckPeers(model); err != nil {
		f.Addf("model.dir", "%w", err)
	} else if peers && place == "" && !nodesOnly {
		f.Addf("model.dir", "%q: only an expert node of a cluster can do with what other nodes have, which are experts; give %s,PLACE", model, model)
	} else if _, err := source.Parse(place); err != nil && place != "" {
		f.Addf("model.dir", "%w", err)
	}
	if s.WeightsCacheSize < 0 {
		f.Addf("model.weightsCacheSize", "%v: want at least 0", s.WeightsCacheSize)
	}
}

// IsElsewhere reports whether a model, as a user names it, is in no directory of this
// machine.
func IsElsewhere(model string) bool { return source.IsRemote(model) }

// CheckPlace finds what is wrong with the name of a model that every process of a cluster
// opens.
func CheckPlace(model string) error {
	var f Faults
	SourceConfig{}.check(&f, model, false)
	return errors.Join(f...)
}

// MakeAbsolute makes the paths of the section independent of the working directory.
func (m *ModelConfig) MakeAbsolute() (err error) {
	for _, path := range []*string{&m.Dir, &m.Source.WeightsCache, &m.Source.Credentials} {
		if *path == "" || source.IsRemote(*path) {
			continue
		}
		if *path, err = filepath.Abs(*path); err != nil {
			return err
		}
	}
	return nil
}

// OpenedModel is a model that was opened where it is.
type OpenedModel struct {
	*checkpoint.Checkpoint
	TextDir string        // a directory with its text files
	Source  *source.Model // nil for a directory
}

// Open opens the checkpoint that the section names, at its home: no other node is asked.
// An error that a restart would find again is a *ConfigError.
func (m ModelConfig) Open(ctx context.Context, log *slog.Logger) (OpenedModel, error) {
	m.Dir, _ = source.CutPeers(m.Dir)
	if !source.IsRemote(m.Dir) {
		ckpt, err := checkpoint.Open(m.Dir)
		if err != nil {
			return OpenedModel{}, &ConfigError{Err: err}
		}
		return OpenedModel{Checkpoint: ckpt, TextDir: m.Dir}, nil
	}
	src, err := m.Source.Open(ctx, m.Dir, log)
	if err != nil {
		return OpenedModel{}, ofSource(err)
	}
	ckpt, err := checkpoint.OpenRemote(ctx, src)
	if err != nil {
		return OpenedModel{}, ofSource(err)
	}
	texts, err := src.TextDir(ctx)
	if err != nil {
		return OpenedModel{}, errors.Join(ofSource(err), ckpt.Close())
	}
	return OpenedModel{ckpt, texts, src}, nil
}

// ofSource makes an error that another try would find again a *ConfigError.
func ofSource(err error) error {
	if source.KindOf(err) == source.Unavailable || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return err
	}
	return &ConfigError{Err: err}
}

// Open finds a model that is elsewhere, by its URL.
func (s SourceConfig) Open(ctx context.Context, model string, log *slog.Logger) (*source.Model, error) {
	if err := checkpoint.DiagnoseURL(model); err != nil {
		return nil, err
	}
	at, err := source.Parse(model)
	if err != nil {
		return nil, err
	}
	files, err := s.files(ctx, at)
	if err != nil {
		return nil, err
	}
	cache, err := s.cache(log)
	if err != nil {
		return nil, err
	}
	return source.NewModel(files, cache), nil
}

// cache opens the cache of what is fetched.
func (s SourceConfig) cache(log *slog.Logger) (*source.Cache, error) {
	dir := s.WeightsCache
	if dir == "" {
		user, err := os.UserCacheDir()
		if err != nil {
			return nil, &FieldError{Field: "model.weightsCache", Err: fmt.Errorf("required, because there is no cache of the user: %w", err)}
		}
		dir = filepath.Join(user, "hachi", "weights")
	}
	cache, err := source.OpenCache(dir, int64(s.WeightsCacheSize), log)
	if err != nil {
		return nil, &FieldError{Field: "model.weightsCache", Err: err}
	}
	return cache, nil
}

// files are the files at a place.
func (s SourceConfig) files(ctx context.Context, at source.Location) (source.Files, error) {
	switch at.Scheme {
	case source.Web:
		token, err := s.token(at.URL)
		if err != nil {
			return nil, err
		}
		return source.NewWeb(at, source.WebConfig{Token: token, RedirectHosts: s.RedirectHosts})
	case source.S3:
		return s3.New(at, s3.Config{Endpoint: s.S3Endpoint, Credentials: s.Credentials})
	case source.OCI:
		return oci.Open(ctx, at)
	}
	return nil, fmt.Errorf("%v: a directory, and a URL is needed", at)
}

// Target is a place to which a model is written, by its URL.
func (s SourceConfig) Target(ctx context.Context, place string) (publish.Target, error) {
	at, err := source.Parse(place)
	if err != nil {
		return nil, err
	}
	switch at.Scheme {
	case source.S3:
		return s3.New(at, s3.Config{Endpoint: s.S3Endpoint, Credentials: s.Credentials})
	case source.OCI:
		return oci.Create(ctx, at)
	}
	return nil, fmt.Errorf("%v: models are written to s3://BUCKET/PREFIX or oci:DIRECTORY[:TAG]", at)
}

// maxCredentials bounds the file, in bytes.
const maxCredentials = 64 << 10

// hub is the host of the Hugging Face hub.
const hub = "huggingface.co"

// token is the bearer token for a URL: of the file, or for the hub of HF_TOKEN. No error
// repeats it.
func (s SourceConfig) token(to *url.URL) (string, error) {
	if s.Credentials != "" {
		return s.tokenOfFile()
	}
	endpoint, err := url.Parse(os.Getenv("HF_ENDPOINT"))
	ofHub := to.Scheme == "https" && to.Host == hub || err == nil && endpoint.Host != "" && to.Scheme == endpoint.Scheme && to.Host == endpoint.Host
	token := os.Getenv("HF_TOKEN")
	if !ofHub || token == "" {
		return "", nil
	}
	if !isToken(token) {
		return "", &FieldError{Field: "model.credentials", Err: errors.New("HF_TOKEN: want a token without spaces")}
	}
	return token, nil
}

// isToken reports whether a text can be a bearer token.
func isToken(text string) bool {
	return text != "" && !strings.ContainsFunc(text, func(r rune) bool { return r <= ' ' || r > '~' })
}

func (s SourceConfig) tokenOfFile() (string, error) {
	f, err := os.Open(s.Credentials)
	if err != nil {
		return "", &FieldError{Field: "model.credentials", Err: err}
	}
	defer f.Close()
	raw, err := io.ReadAll(io.LimitReader(f, maxCredentials))
	token := strings.TrimSpace(string(raw))
	if err == nil && !isToken(token) {
		err = fmt.Errorf("%s: want a token on a line of its own", s.Credentials)
	}
	if err != nil {
		return "", &FieldError{Field: "model.credentials", Err: err}
	}
	return token, nil
}
