package checkpoint

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"sync/atomic"

	"github.com/hachi-serve/hachi/internal/strictjson"
)

const (
	singleFile = "model.safetensors"
	indexFile  = "model.safetensors.index.json"
	configFile = "config.json"
)

// Sizes far above any real file of the kind.
const (
	maxConfig = 1 << 20
	maxIndex  = 64 << 20
)

// readSmall reads a file of at most limit bytes.
func readSmall(path string, limit int64) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	data, err := io.ReadAll(io.LimitReader(f, limit+1))
	if err == nil && int64(len(data)) > limit {
		err = fmt.Errorf("the file is larger than %d bytes", limit)
	}
	return data, err
}

// file is one open safetensors file. The descriptor stays open so that every
// later read sees the inode whose header was checked.
type file struct {
	f       *os.File // nil when the file is elsewhere
	path    string   // for errors
	name    string   // inside the directory
	size    int64
	modTime int64 // ns since 1970
	header  [sha256.Size]byte
	entries []entry
	start   int64 // file offset of the data section
	// state is what the file was when it was opened, or after the last change of its
	// status that left its content as it was.
	state atomic.Pointer[state]
}

func openFile(dir, name string) (*file, error) {
	path := filepath.Join(dir, name)
	f, err := os.Open(path)
	if err != nil {
		return nil, &Error{File: path, Fault: Unreadable, Err: err}
	}
	info, err := f.Stat()
	if err == nil && !info.Mode().IsRegular() {
		err = errors.New("not a regular file")
	}
	if err != nil {
		f.Close()
		return nil, &Error{File: path, Fault: Unreadable, Err: err}
	}
	out := &file{f: f, path: path, name: name, size: info.Size(), modTime: info.ModTime().UnixNano()}
	was, err := stateOf(f)
	if err == nil && was.size != out.size {
		err = errors.New("the file grows or shrinks")
	}
	if err != nil {
		f.Close()
		return nil, &Error{File: path, Fault: Unreadable, Err: err}
	}
	out.state.Store(&was)
	var header []byte
	out.entries, header, out.start, err = readHeader(path, f, out.size)
	if err != nil {
		f.Close()
		return nil, err
	}
	out.header = sha256.Sum256(header)
	return out, nil
}

// openFiles opens the safetensors files of dir and checks them against the
// index, if there is one.
func openFiles(dir string) (files []*file, err error) {
	names, weightMap, err := listFiles(dir)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			closeFiles(files)
			files = nil
		}
	}()
	for _, name := range names {
		f, err := openFile(dir, name)
		if err != nil {
			return files, err
		}
		files = append(files, f)
	}
	if weightMap != nil {
		return files, checkIndex(filepath.Join(dir, indexFile), files, weightMap)
	}
	return files, nil
}

func closeFiles(files []*file) error {
	var errs []error
	for _, f := range files {
		if f.f != nil {
			errs = append(errs, f.f.Close())
		}
	}
	return errors.Join(errs...)
}

// listFiles names the safetensors files of dir, sorted. weightMap is nil when
// model.safetensors exists, which then is the whole checkpoint, or when there
// is no index.
func listFiles(dir string) (names []string, weightMap map[string]string, err error) {
	if _, err := os.Stat(filepath.Join(dir, singleFile)); err == nil {
		return []string{singleFile}, nil, nil
	}
	path := filepath.Join(dir, indexFile)
	data, err := readSmall(path, maxIndex)
	if errors.Is(err, fs.ErrNotExist) {
		return []string{singleFile}, nil, nil
	}
	if err != nil {
		return nil, nil, &Error{File: path, Fault: Unreadable, Err: err}
	}
	weightMap, err = parseIndex(data)
	if err != nil {
		return nil, nil, &Error{File: path, Fault: BadIndex, Err: err}
	}
	return filesOf(weightMap), weightMap, nil
}

// filesOf names the files of an index, sorted.
func filesOf(weightMap map[string]string) []string {
	return slices.Compact(slices.Sorted(maps.Values(weightMap)))
}

// parseIndex returns the map from tensor to file name. A file name must be a
// plain name: an index never reaches outside its directory.
func parseIndex(data []byte) (map[string]string, error) {
	members, err := strictjson.Object(data)
	if err != nil {
		return nil, err
	}
	var raw json.RawMessage
	for _, m := range members {
		if m.Key == "weight_map" {
			raw = m.Value
		}
	}
	if raw == nil {
		return nil, errors.New("weight_map is missing")
	}
	tensors, err := strictjson.Object(raw)
	if err != nil {
		return nil, fmt.Errorf("weight_map: %w", err)
	}
	if len(tensors) == 0 {
		return nil, errors.New("weight_map is empty")
	}
	out := make(map[string]string, len(tensors))
	for _, m := range tensors {
		var name string
		if err := json.Unmarshal(m.Value, &name); err != nil || name == "" {
			return nil, fmt.Errorf("weight_map: tensor %s: expected a file name, found %.80s", m.Key, m.Value)
		}
		if !filepath.IsLocal(name) || filepath.Base(name) != name || name == "." {
			return nil, fmt.Errorf("weight_map: tensor %s: expected a file of the checkpoint's own directory, found %q", m.Key, name)
		}
		out[m.Key] = name
	}
	return out, nil
}

// checkIndex checks that files and index tell the same story.
func checkIndex(path string, files []*file, weightMap map[string]string) error {
	found := map[string]bool{}
	for _, f := range files {
		for _, e := range f.entries {
			if found[e.name] {
				return &Error{File: f.path, Tensor: e.name, Fault: Duplicate, Expected: "it in " + weightMap[e.name] + " only"}
			}
			found[e.name] = true
			if want := weightMap[e.name]; want != f.name && !inFile(files, want, e.name) {
				return &Error{File: path, Tensor: e.name, Fault: BadIndex, Expected: fmt.Sprintf("%q, which holds it", f.name),
					Found: fmt.Sprintf("%q", want)}
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(weightMap)) {
		if !found[name] {
			return &Error{File: path, Tensor: name, Fault: Missing, Expected: "it in " + weightMap[name], Found: "no such tensor there"}
		}
	}
	return nil
}

func inFile(files []*file, name, tensor string) bool {
	for _, f := range files {
		if f.name == name {
			return slices.ContainsFunc(f.entries, func(e entry) bool { return e.name == tensor })
		}
	}
	return false
}
