package console

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"net/http"
	"path"
	"time"
)

//go:embed assets
var embedded embed.FS

// types are the media types of assets.
var types = map[string]string{
	".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml", ".txt": "text/plain; charset=utf-8",
}

// assets are the files of the console by name, and a hash of all of them.
type assets struct {
	files map[string][]byte
	hash  string
}

func readAssets() assets {
	a := assets{files: map[string][]byte{}}
	sum := sha256.New()
	err := fs.WalkDir(embedded, "assets", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := fs.ReadFile(embedded, name)
		a.files[name[len("assets/"):]] = content
		sum.Write([]byte(name))
		sum.Write(content)
		return err
	})
	if err != nil {
		panic(err) // embedded files can be read
	}
	a.hash = hex.EncodeToString(sum.Sum(nil))[:16]
	return a
}

// folder is the path of all files: another content has another path.
func (a assets) folder() string { return Root + "/assets/" + a.hash }

// asset serves a file. Its content never changes.
func (c *Console) asset(w http.ResponseWriter, r *http.Request, _ Person) error {
	name := r.PathValue("file")
	content, ok := c.assets.files[name]
	if !ok || r.PathValue("hash") != c.assets.hash {
		return &pageError{http.StatusNotFound, "no such file"}
	}
	w.Header().Set("Content-Type", types[path.Ext(name)])
	w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
	http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
	return nil
}
