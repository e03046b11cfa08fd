package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/opencontainers/go-digest"
	"github.com/opencontainers/image-spec/specs-go"
	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
)

// build is an image to be made.
type build struct {
	Tag, Commit string
	Created     time.Time
	Programs    []program
}

// program is the binary of one architecture, and the list of its modules, if there is one.
type program struct{ Arch, Binary, SBOM string }

// What deploy/docker/Dockerfile says too.
const (
	path = "usr/local/bin/hachi"
	user = "65532:65532"
)

// sbomType is the type of a list of modules.
const sbomType = "application/vnd.cyclonedx+json"

// write makes the layout and returns the descriptor of its index.
func (b build) write(ctx context.Context, dir string) (v1.Descriptor, error) {
	store, err := oci.NewWithContext(ctx, dir)
	if err != nil {
		return v1.Descriptor{}, err
	}
	store.AutoSaveIndex = false // it would write the manifests in any order
	index := v1.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageIndex, Annotations: b.labels()}
	var lists []v1.Descriptor
	for _, p := range b.Programs {
		image, err := b.image(ctx, store, p)
		if err != nil {
			return v1.Descriptor{}, fmt.Errorf("%s: %w", p.Arch, err)
		}
		if p.SBOM != "" {
			list, err := b.attach(ctx, store, image, p.SBOM)
			if err != nil {
				return v1.Descriptor{}, fmt.Errorf("%s: %w", p.SBOM, err)
			}
			lists = append(lists, list)
		}
		image.Platform = &v1.Platform{OS: "linux", Architecture: p.Arch}
		index.Manifests = append(index.Manifests, image)
	}
	out, err := pushJSON(ctx, store, v1.MediaTypeImageIndex, index)
	if err != nil {
		return out, err
	}
	return out, b.list(dir, out, lists)
}

// list writes index.json: the index by its name, and what refers to images in it.
func (b build) list(dir string, index v1.Descriptor, lists []v1.Descriptor) error {
	named := index
	named.Annotations = map[string]string{v1.AnnotationRefName: b.Tag}
	raw, err := json.Marshal(v1.Index{Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageIndex, Manifests: append([]v1.Descriptor{named}, lists...)})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(dir, v1.ImageIndexFile), raw, 0o644)
}

// labels are those of the image and of its index.
func (b build) labels() map[string]string {
	return map[string]string{
		v1.AnnotationTitle: "hachi", v1.AnnotationDescription: "A distributed expert-parallel serving cluster for Mixtral-family models",
		v1.AnnotationSource: "https://github.com/hachi-serve/hachi", v1.AnnotationLicenses: "Apache-2.0",
		v1.AnnotationVersion: b.Tag, v1.AnnotationRevision: b.Commit, v1.AnnotationCreated: b.Created.Format(time.RFC3339),
	}
}

// image writes the image of one architecture.
func (b build) image(ctx context.Context, store content.Pusher, p program) (v1.Descriptor, error) {
	files, err := b.files(p.Binary)
	if err != nil {
		return v1.Descriptor{}, err
	}
	packed, err := compress(files)
	if err != nil {
		return v1.Descriptor{}, err
	}
	layer, err := push(ctx, store, v1.MediaTypeImageLayerGzip, packed)
	if err != nil {
		return v1.Descriptor{}, err
	}
	config, err := pushJSON(ctx, store, v1.MediaTypeImageConfig, v1.Image{
		Created: &b.Created, Platform: v1.Platform{OS: "linux", Architecture: p.Arch},
		Config:  v1.ImageConfig{User: user, Entrypoint: []string{"/" + path}, Labels: b.labels()},
		RootFS:  v1.RootFS{Type: "layers", DiffIDs: []digest.Digest{digest.FromBytes(files)}},
		History: []v1.History{{Created: &b.Created, CreatedBy: "tools/image"}},
	})
	if err != nil {
		return v1.Descriptor{}, err
	}
	return pushJSON(ctx, store, v1.MediaTypeImageManifest, v1.Manifest{
		Versioned: specs.Versioned{SchemaVersion: 2}, MediaType: v1.MediaTypeImageManifest, Config: config, Layers: []v1.Descriptor{layer},
	})
}

// attach writes the list of modules of an image, which refers to it.
func (b build) attach(ctx context.Context, store content.Pusher, image v1.Descriptor, sbom string) (v1.Descriptor, error) {
	raw, err := os.ReadFile(sbom)
	if err != nil {
		return v1.Descriptor{}, err
	}
	list, err := push(ctx, store, sbomType, raw)
	if err != nil {
		return v1.Descriptor{}, err
	}
	return oras.PackManifest(ctx, store, oras.PackManifestVersion1_1, sbomType, oras.PackManifestOptions{
		Subject: &image, Layers: []v1.Descriptor{list}, ManifestAnnotations: map[string]string{v1.AnnotationCreated: b.Created.Format(time.RFC3339)},
	})
}

// files is a tar file with the binary.
func (b build) files(binary string) ([]byte, error) {
	raw, err := os.ReadFile(binary)
	if err != nil {
		return nil, err
	}
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for _, dir := range []string{"usr/", "usr/local/", "usr/local/bin/"} {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeDir, Name: dir, Mode: 0o755, ModTime: b.Created}); err != nil {
			return nil, err
		}
	}
	if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: path, Mode: 0o755, Size: int64(len(raw)), ModTime: b.Created}); err != nil {
		return nil, err
	}
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil { // writes the end of the file
		return nil, err
	}
	return out.Bytes(), nil
}

func compress(raw []byte) ([]byte, error) {
	var out bytes.Buffer
	w := gzip.NewWriter(&out)
	if _, err := w.Write(raw); err != nil {
		return nil, err
	}
	if err := w.Close(); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}

func pushJSON(ctx context.Context, store content.Pusher, kind string, v any) (v1.Descriptor, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return v1.Descriptor{}, err
	}
	return push(ctx, store, kind, raw)
}

func push(ctx context.Context, store content.Pusher, kind string, raw []byte) (v1.Descriptor, error) {
	d := content.NewDescriptorFromBytes(kind, raw)
	return d, store.Push(ctx, d, bytes.NewReader(raw))
}
