package oci

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"

	"github.com/hachi-serve/hachi/internal/weights/source"
)

const (
	artifactType = "application/vnd.hachi.model.v1"
	layerType    = "application/vnd.hachi.model.file.v1"
	// defaultTag names a model that is pushed without a tag.
	defaultTag = "latest"
	// maxManifest bounds a manifest, in bytes.
	maxManifest = 64 << 20
)

// Layout is a model in an OCI layout: source.Files.
type Layout struct {
	at     source.Location
	store  *oci.Store
	layers map[string]v1.Descriptor
	pushed []v1.Descriptor
}

// Open reads the manifest of a model. Without a tag, it must be the only one.
func Open(ctx context.Context, at source.Location) (*Layout, error) {
	l := &Layout{at: at, layers: map[string]v1.Descriptor{}}
	if _, err := os.Stat(filepath.Join(at.Path, v1.ImageLayoutFile)); err != nil {
		return nil, l.fault("", source.Absent, errors.New("no OCI layout is there"))
	}
	var err error
	if l.store, err = oci.NewWithContext(ctx, at.Path); err != nil {
		return nil, l.fault("", source.Malformed, err)
	}
	desc, err := l.resolve(ctx)
	if err != nil {
		return nil, err
	}
	if desc.Size > maxManifest {
		return nil, l.fault("", source.Malformed, fmt.Errorf("a manifest of %d bytes, expected at most %d", desc.Size, maxManifest))
	}
	raw, err := content.FetchAll(ctx, l.store, desc)
	if err != nil {
		return nil, l.fault("", source.Damaged, err)
	}
	var m v1.Manifest
	if err := json.Unmarshal(raw, &m); err != nil || m.ArtifactType != artifactType {
		return nil, l.fault("", source.Malformed, fmt.Errorf("expected an artifact of the type %s, found %.80q", artifactType, m.ArtifactType))
	}
	for _, d := range m.Layers {
		name := d.Annotations[v1.AnnotationTitle]
		if filepath.Base(name) != name || !filepath.IsLocal(name) || d.Digest.Validate() != nil || d.Digest.Algorithm() != digest.SHA256 || d.Size < 0 {
			return nil, l.fault("", source.Malformed, fmt.Errorf("a layer of the name %.80q and the digest %.80q", name, d.Digest))
		}
		l.layers[name] = d
	}
	return l, nil
}

// resolve finds the manifest.
func (l *Layout) resolve(ctx context.Context) (v1.Descriptor, error) {
	tag := l.at.Tag
	if tag == "" {
		var tags []string
		if err := l.store.Tags(ctx, "", func(some []string) error { tags = append(tags, some...); return nil }); err != nil {
			return v1.Descriptor{}, l.fault("", source.Malformed, err)
		}
		if len(tags) != 1 {
			return v1.Descriptor{}, l.fault("", source.Malformed, fmt.Errorf("the layout has the tags %.200q: say which, oci:DIRECTORY:TAG", tags))
		}
		tag = tags[0]
	}
	desc, err := l.store.Resolve(ctx, tag)
	if err != nil {
		return desc, l.fault("", source.Absent, fmt.Errorf("tag %s: %w", tag, err))
	}
	return desc, nil
}

func (l *Layout) fault(name string, kind source.Kind, err error) error {
	return &source.Error{Place: l.String(), File: name, Kind: kind, Err: err}
}

// String implements source.Files.
func (l *Layout) String() string { return l.at.String() }

func (l *Layout) blob(d v1.Descriptor) string {
	return filepath.Join(l.at.Path, v1.ImageBlobsDir, string(d.Digest.Algorithm()), d.Digest.Encoded())
}

// Stat implements source.Files.
func (l *Layout) Stat(_ context.Context, name string) (source.Info, error) {
	d, ok := l.layers[name]
	if !ok {
		return source.Info{}, l.fault(name, source.Absent, nil)
	}
	info, err := os.Stat(l.blob(d))
	if err == nil && info.Size() != d.Size {
		err = fmt.Errorf("found %d bytes", info.Size())
	}
	if err != nil {
		return source.Info{}, l.fault(name, source.Damaged, fmt.Errorf("expected a blob of %d bytes at %s: %w", d.Size, l.blob(d), err))
	}
	return source.Info{Size: d.Size, Version: string(d.Digest)}, nil
}

// Open implements source.Files.
func (l *Layout) Open(_ context.Context, name string, as source.Info, at, n int64) (io.ReadCloser, error) {
	d, ok := l.layers[name]
	if !ok {
		return nil, l.fault(name, source.Absent, nil)
	}
	f, err := os.Open(l.blob(d))
	if err != nil {
		return nil, l.fault(name, source.Damaged, err)
	}
	part := &reader{Closer: f, from: io.NewSectionReader(f, at, n), left: n}
	if at == 0 && n == as.Size {
		part.whole, part.want = sha256.New(), d.Digest.Encoded()
		part.damaged = func(sum string) error {
			return l.fault(name, source.Damaged, fmt.Errorf("expected sha256 %s, found %s", part.want, sum))
		}
	}
	return part, nil
}

// reader is a part of a blob, or a whole one, whose last byte comes only if the digest is
// right.
type reader struct {
	io.Closer
	from    io.Reader
	left    int64
	whole   hash.Hash // nil for a part
	want    string
	damaged func(sum string) error
}

// Read implements io.Reader.
func (r *reader) Read(p []byte) (int, error) {
	n, err := r.from.Read(p)
	r.left -= int64(n)
	if r.whole == nil {
		return n, err
	}
	r.whole.Write(p[:n])
	if sum := hex.EncodeToString(r.whole.Sum(nil)); r.left == 0 && sum != r.want {
		return 0, r.damaged(sum)
	}
	return n, err
}
