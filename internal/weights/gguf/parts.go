package gguf

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// partName is the name of one file of a split model: its number, from 1, and how
// many there are.
var partName = regexp.MustCompile(`^(.+)-(\d{5})-of-(\d{5})\.gguf$`)

// joinable are names of pieces that were cut without regard to the format.
var joinable = regexp.MustCompile(`\.gguf(-split-[a-z]+|\.part\d+of\d+)$`)

// paths lists the files of the model that path is one of, in order. Missing
// files are one error that names them all.
func paths(path string) ([]string, error) {
	if joinable.MatchString(path) {
		return nil, fmt.Errorf("%s is a piece of a file: join the pieces first, as in: cat %s* > model.gguf",
			path, strings.TrimRight(path, "abcdefghijklmnopqrstuvwxyz0123456789"))
	}
	m := partName.FindStringSubmatch(filepath.Base(path))
	if m == nil {
		return []string{path}, nil
	}
	number, _ := strconv.Atoi(m[2]) // five digits each
	count, _ := strconv.Atoi(m[3])
	if number < 1 || number > count {
		return nil, fmt.Errorf("%s: part %d of %d, expected 1 to %d", path, number, count, count)
	}
	var out, missing []string
	for i := range count {
		part := filepath.Join(filepath.Dir(path), fmt.Sprintf("%s-%05d-of-%05d.gguf", m[1], i+1, count))
		if _, err := os.Stat(part); errors.Is(err, fs.ErrNotExist) {
			missing = append(missing, part)
		}
		out = append(out, part)
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("%d of the %d parts of the model are missing: %s", len(missing), count, strings.Join(missing, ", "))
	}
	return out, nil
}

// mapFile maps a whole file, read-only.
func mapFile(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if info.Size() < 32 {
		return nil, fmt.Errorf("%s: %d bytes are no GGUF file", path, info.Size())
	}
	mem, err := unix.Mmap(int(f.Fd()), 0, int(info.Size()), unix.PROT_READ, unix.MAP_SHARED)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, os.NewSyscallError("mmap", err))
	}
	return mem, nil
}

// joinParts makes one header of those of all parts. The first part has the
// metadata of the model, the others only say which part they are.
func joinParts(parts []*header) (*header, error) {
	whole := parts[0]
	if n := newFields(whole.meta).integer("split.count", 0); n > 1 && n != len(parts) {
		return nil, fmt.Errorf("split.count is %d: the file is one of %d, whose names must end with -00001-of-%05d.gguf and so on", n, n, n)
	}
	if len(parts) == 1 {
		return whole, nil
	}
	for i, part := range parts {
		f := newFields(part.meta)
		if no, count := f.integer("split.no", -1), f.integer("split.count", -1); len(f.faults) == 0 && (no != i || count != len(parts)) {
			f.fault("split.no is %d and split.count %d, expected %d and %d by the name of the file", no, count, i, len(parts))
		}
		if err := errors.Join(f.faults...); err != nil {
			return nil, fmt.Errorf("part %d of %d: %w", i+1, len(parts), err)
		}
		if i > 0 {
			if err := whole.add(part); err != nil {
				return nil, fmt.Errorf("part %d of %d: %w", i+1, len(parts), err)
			}
		}
	}
	if n := newFields(whole.meta).integer("split.tensors.count", len(whole.tensors)); n != len(whole.tensors) {
		return nil, fmt.Errorf("split.tensors.count is %d, the %d parts have %d tensors", n, len(parts), len(whole.tensors))
	}
	return whole, nil
}

// add takes the tensors and the metadata of another part. What both say must be
// the same, but for what the split keys number.
func (h *header) add(part *header) error {
	for name, t := range part.tensors {
		if _, ok := h.tensors[name]; ok {
			return fmt.Errorf("tensor %q is in another part too", name)
		}
		h.tensors[name] = t
	}
	for key, value := range part.meta {
		known, ok := h.meta[key]
		if ok && !strings.HasPrefix(key, "split.") && fmt.Sprint(known) != fmt.Sprint(value) {
			return fmt.Errorf("%s is %s, another part has %s", key, excerpt(value), excerpt(known))
		}
		h.meta[key] = value
	}
	return nil
}
