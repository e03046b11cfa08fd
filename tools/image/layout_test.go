package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	v1 "github.com/opencontainers/image-spec/specs-go/v1"
	"oras.land/oras-go/v2/content"
	"oras.land/oras-go/v2/content/oci"
)

// sample is a build of two small programs.
func sample(t *testing.T) build {
	t.Helper()
	dir := t.TempDir()
	b := build{Tag: "v0.1.0", Commit: "0123456789abcdef", Created: time.Unix(1700000000, 0).UTC()}
	for _, arch := range []string{"amd64", "arm64"} {
		p := program{arch, filepath.Join(dir, arch), filepath.Join(dir, arch+".cdx.json")}
		for file, text := range map[string]string{p.Binary: "program of " + arch, p.SBOM: `{"arch":"` + arch + `"}`} {
			if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		b.Programs = append(b.Programs, p)
	}
	return b
}

// written is every file of a new layout.
func written(t *testing.T, b build) map[string]string {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "layout")
	if _, err := b.write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	if err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := os.ReadFile(path)
		rel, _ := filepath.Rel(dir, path)
		out[rel] = string(raw)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return out
}

func TestTheSameProgramsMakeTheSameImage(t *testing.T) {
	first := written(t, sample(t))
	if second := written(t, sample(t)); !maps.Equal(first, second) {
		t.Errorf("two builds write %v and %v", slices.Sorted(maps.Keys(first)), slices.Sorted(maps.Keys(second)))
	}
	other := sample(t)
	if err := os.WriteFile(other.Programs[1].Binary, []byte("another program"), 0o600); err != nil {
		t.Fatal(err)
	}
	if first["index.json"] == written(t, other)["index.json"] {
		t.Error("another program makes the same index")
	}
}

// TestTheImageHoldsTheProgram of each architecture, with its list of modules.
func TestTheImageHoldsTheProgram(t *testing.T) {
	b, dir := sample(t), filepath.Join(t.TempDir(), "layout")
	if _, err := b.write(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
	store, err := oci.NewFromFS(t.Context(), os.DirFS(dir))
	if err != nil {
		t.Fatal(err)
	}
	root, err := store.Resolve(t.Context(), b.Tag)
	if err != nil {
		t.Fatal(err)
	}
	index := fetched[v1.Index](t.Context(), t, store, root)
	if len(index.Manifests) != 2 || index.Annotations[v1.AnnotationRevision] != b.Commit {
		t.Fatalf("the index is %+v", index)
	}
	for i, image := range index.Manifests {
		p := b.Programs[i]
		if image.Platform == nil || image.Platform.OS != "linux" || image.Platform.Architecture != p.Arch {
			t.Errorf("image %d is for %+v, want %s", i, image.Platform, p.Arch)
		}
		manifest := fetched[v1.Manifest](t.Context(), t, store, image)
		config := fetched[v1.Image](t.Context(), t, store, manifest.Config)
		if config.Architecture != p.Arch || config.Config.User != user || !slices.Equal(config.Config.Entrypoint, []string{"/" + path}) || config.Config.Labels[v1.AnnotationVersion] != b.Tag {
			t.Errorf("%s: the configuration is %+v", p.Arch, config)
		}
		if got := programIn(t, store, manifest.Layers); got != "program of "+p.Arch {
			t.Errorf("%s: the program is %q", p.Arch, got)
		}
		lists, err := store.Predecessors(t.Context(), image)
		if err != nil {
			t.Fatal(err)
		}
		i := slices.IndexFunc(lists, func(d v1.Descriptor) bool {
			return fetched[v1.Manifest](t.Context(), t, store, d).ArtifactType == sbomType
		})
		if i < 0 {
			t.Fatalf("%s: no list of modules refers to the image: %v", p.Arch, lists)
		}
		list := fetched[v1.Manifest](t.Context(), t, store, lists[i])
		if got := fetched[map[string]string](t.Context(), t, store, list.Layers[0]); got["arch"] != p.Arch {
			t.Errorf("%s: the list of modules is %v", p.Arch, got)
		}
	}
}

func fetched[T any](ctx context.Context, t *testing.T, store content.Fetcher, d v1.Descriptor) (v T) {
	t.Helper()
	raw, err := content.FetchAll(ctx, store, d)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(raw, &v); err != nil {
		t.Fatal(err)
	}
	return v
}

// programIn is the only file of an image, which every user may run and only root may change.
func programIn(t *testing.T, store content.Fetcher, layers []v1.Descriptor) string {
	t.Helper()
	if len(layers) != 1 {
		t.Fatalf("%d layers, want 1", len(layers))
	}
	packed, err := store.Fetch(t.Context(), layers[0])
	if err != nil {
		t.Fatal(err)
	}
	defer packed.Close()
	plain, err := gzip.NewReader(packed)
	if err != nil {
		t.Fatal(err)
	}
	program := ""
	for files := tar.NewReader(plain); ; {
		h, err := files.Next()
		if err == io.EOF {
			return program
		}
		if err != nil {
			t.Fatal(err)
		}
		if h.Uid != 0 || h.Gid != 0 || h.Mode != 0o755 {
			t.Errorf("%s has the mode %o of %d:%d", h.Name, h.Mode, h.Uid, h.Gid)
		}
		if h.Typeflag == tar.TypeReg {
			raw, err := io.ReadAll(files)
			if err != nil || h.Name != path {
				t.Errorf("%s: %v", h.Name, err)
			}
			program = string(raw)
		}
	}
}
