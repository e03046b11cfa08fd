package oci

import (
	"cmp"
	"context"
	"errors"
	"io"

	"github.com/opencontainers/go-digest"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content/oci"
	"oras.land/oras-go/v2/errdef"

	"github.com/hachi-serve/hachi/internal/weights/source"
)

// Create opens a layout to write a model to. It is made if it is absent.
func Create(ctx context.Context, at source.Location) (*Layout, error) {
	l := &Layout{at: at}
	var err error
	if l.store, err = oci.NewWithContext(ctx, at.Path); err != nil {
		return nil, l.fault("", source.Refused, err)
	}
	return l, nil
}

func (l *Layout) descriptor(name, sum string, size int64) v1.Descriptor {
	return v1.Descriptor{MediaType: layerType, Digest: digest.NewDigestFromEncoded(digest.SHA256, sum), Size: size, Annotations: map[string]string{v1.AnnotationTitle: name}}
}

// Has reports whether the layout has the bytes of a file, which is then part of the model.
func (l *Layout) Has(ctx context.Context, name, sum string, size int64) (bool, error) {
	d := l.descriptor(name, sum, size)
	has, err := l.store.Exists(ctx, d)
	if has {
		l.pushed = append(l.pushed, d)
	}
	return has, err
}

// Put writes a file of the model, whole or not at all.
func (l *Layout) Put(ctx context.Context, name, sum string, size int64, from io.Reader) error {
	d := l.descriptor(name, sum, size)
	if err := l.store.Push(ctx, d, from); err != nil && !errors.Is(err, errdef.ErrAlreadyExists) {
		return l.fault(name, source.Unavailable, err)
	}
	l.pushed = append(l.pushed, d)
	return nil
}

// Finish writes the manifest and tags it.
func (l *Layout) Finish(ctx context.Context) error {
	d, err := oras.PackManifest(ctx, l.store, oras.PackManifestVersion1_1, artifactType, oras.PackManifestOptions{
		Layers: l.pushed, ManifestAnnotations: map[string]string{v1.AnnotationCreated: "1970-01-01T00:00:00Z"}, // the same files, the same digest
	})
	if err == nil {
		err = l.store.Tag(ctx, d, cmp.Or(l.at.Tag, defaultTag))
	}
	return err
}
