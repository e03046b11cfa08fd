package identity

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
)

// Write writes a certificate, its key and the authorities to trust to a directory,
// which only this user may read.
func Write(dir string, authorities []byte, p Pair) error {
	if err := MakeDir(dir); err != nil {
		return err
	}
	return errors.Join(
		WriteFile(filepath.Join(dir, AuthoritiesFile), authorities),
		WriteFile(filepath.Join(dir, KeyFile), p.Key),
		WriteFile(filepath.Join(dir, CertificateFile), p.Certificate),
	)
}

// MakeDir makes a directory, and those above it, that only this user may read.
func MakeDir(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return fmt.Errorf("directory of secrets: %w", err)
	}
	return os.Chmod(dir, 0o700)
}

// WriteFile replaces a file that only this user may read, at once: a reader finds
// the file before or the file after.
func WriteFile(path string, data []byte) error {
	f, err := os.CreateTemp(filepath.Dir(path), ".new-*") // mode 0600
	if err != nil {
		return err
	}
	_, err = f.Write(data)
	if err = errors.Join(err, f.Sync(), f.Close()); err == nil {
		err = os.Rename(f.Name(), path)
	}
	if err != nil {
		os.Remove(f.Name())
	}
	return err
}
