package kernels

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"path"
)

// Sources are the files of CUDA.
//
//go:embed *.cu *.cuh
var Sources embed.FS

// Hash is that of all sources, in the order of build.sh: *.cu, then *.cuh.
func Hash() (string, error) {
	h := sha256.New()
	for _, ending := range []string{".cu", ".cuh"} {
		err := fs.WalkDir(Sources, ".", func(name string, d fs.DirEntry, err error) error {
			if err != nil || path.Ext(name) != ending {
				return err
			}
			text, err := Sources.ReadFile(name)
			if err != nil {
				return err
			}
			_, err = h.Write(text)
			return err
		})
		if err != nil {
			return "", err
		}
	}
	return hex.EncodeToString(h.Sum(nil)), nil
}
