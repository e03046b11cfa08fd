package kube

import (
	"archive/tar"
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
)

// writeArchive writes an image of one program, in the form that docker save has.
func writeArchive(file, name, program, path string, env []string) error {
	raw, err := os.ReadFile(program)
	if err != nil {
		return err
	}
	layer, err := packed(map[string][]byte{path: raw})
	if err != nil {
		return err
	}
	config, err := json.Marshal(map[string]any{
		"architecture": runtime.GOARCH, "os": "linux", "config": map[string]any{"Entrypoint": []string{"/" + path}, "Env": env, "User": "65532:65532"},
		"rootfs": map[string]any{"type": "layers", "diff_ids": []string{fmt.Sprintf("sha256:%x", sha256.Sum256(layer))}},
	})
	if err != nil {
		return err
	}
	list, err := json.Marshal([]map[string]any{{"Config": "config.json", "RepoTags": []string{name}, "Layers": []string{"layer.tar"}}})
	if err != nil {
		return err
	}
	image, err := packed(map[string][]byte{"layer.tar": layer, "config.json": config, "manifest.json": list})
	if err != nil {
		return err
	}
	return os.WriteFile(file, image, 0o600)
}

// packFolder writes the files of a folder as an archive.
func packFolder(file, dir string) error {
	files := map[string][]byte{}
	if err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		rel, err := filepath.Rel(dir, path)
		if err != nil {
			return err
		}
		files[rel], err = os.ReadFile(path)
		return err
	}); err != nil {
		return err
	}
	raw, err := packed(files)
	return errors.Join(err, os.WriteFile(file, raw, 0o600))
}

func packed(files map[string][]byte) ([]byte, error) {
	var out bytes.Buffer
	w := tar.NewWriter(&out)
	for name, raw := range files {
		if err := w.WriteHeader(&tar.Header{Typeflag: tar.TypeReg, Name: name, Mode: 0o755, Size: int64(len(raw))}); err != nil {
			return nil, err
		}
		if _, err := w.Write(raw); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), w.Close()
}
