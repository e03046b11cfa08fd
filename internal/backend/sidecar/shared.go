package sidecar

import (
	"errors"
	"os"
)

// shared is memory that a helper maps too.
type shared struct {
	file  *os.File
	bytes []byte
}

// close gives the memory back. What the helper has mapped stays until it unmaps it.
func (s *shared) close() error {
	var err error
	if s.bytes != nil {
		err = unmap(s.bytes)
		s.bytes = nil
	}
	return errors.Join(err, s.file.Close())
}
