package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/weights/mini"
	"github.com/hachi-serve/hachi/internal/weights/preset"
)

// defaultModelDir is the directory of the model that `hachi up` serves when none
// is named: hachi-mini, or the tiny random model in a program without it.
func defaultModelDir(dataDir string) (string, error) {
	dir, err := mini.Dir(local.ModelsDir(dataDir))
	if errors.Is(err, mini.ErrAbsent) {
		dir, err = tinyModelDir(dataDir), nil
	}
	if err != nil {
		return "", err
	}
	return filepath.Abs(dir)
}

func tinyModelDir(dataDir string) string { return filepath.Join(local.ModelsDir(dataDir), "tiny") }

// makeDefaultModel makes the default model, once per user and version, where
// the configuration names its directory.
func makeDefaultModel(cfg local.UpConfig, out io.Writer) error {
	dir, err := defaultModelDir(cfg.DataDir)
	if err != nil || cfg.Model.Dir != dir {
		return err
	}
	_, err = mini.Install(local.ModelsDir(cfg.DataDir))
	if errors.Is(err, mini.ErrAbsent) {
		fmt.Fprintf(out, "%v: serving a tiny model with random weights, whose answers are noise\n", err)
		err = makeTinyModel(dir, out)
	}
	if err != nil {
		return fmt.Errorf("keep the default model (28 MB): %w; free some space, let XDG_CACHE_HOME name another directory, or choose a checkpoint with --model", err)
	}
	return nil
}

// makeTinyModel makes the random model in dir if it is not there.
func makeTinyModel(dir string, out io.Writer) error {
	if _, err := os.Stat(filepath.Join(dir, "config.json")); err == nil {
		return nil
	}
	fmt.Fprintf(out, "making a tiny model with random weights in %s\n", dir)
	if err := preset.Write(dir, "tiny", 1, nil); err != nil && !errors.Is(err, os.ErrExist) {
		return err
	}
	return nil
}
