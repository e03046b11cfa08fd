package page

import (
	"bytes"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"maps"
	"net/http"
	"path"
	"slices"
	"time"
)

//go:embed assets
var embedded embed.FS

// Root is the path of the document.
const Root = "/"

// prefix begins the path of every other file; the hash of the assets follows.
const prefix = "/page/"

// placeholder stands in the document for the folder of the other files.
const placeholder = "{{assets}}"

// policy allows the page its own files and its own router only. Trusted Types
// make the browser refuse text where HTML is expected.
const policy = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'"

// types are the media types of assets; what the host knows about file names does
// not matter.
var types = map[string]string{
	".html": "text/html; charset=utf-8",
	".css":  "text/css; charset=utf-8",
	".js":   "text/javascript; charset=utf-8",
	".svg":  "image/svg+xml",
}

// Handlers returns the handler of GET for each path of the page, exact paths
// only.
func Handlers() map[string]http.HandlerFunc {
	assets, err := fs.Sub(embedded, "assets")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return handlers(assets)
}

func handlers(assets fs.FS) map[string]http.HandlerFunc {
	files := read(assets)
	folder := prefix + hashOf(files)
	all := map[string]http.HandlerFunc{}
	for name, content := range files {
		if name == "index.html" {
			document := bytes.ReplaceAll(content, []byte(placeholder), []byte(folder))
			all[Root] = serve(name, document, "no-cache")
			continue
		}
		all[folder+"/"+name] = serve(name, content, "public, max-age=31536000, immutable")
	}
	return all
}

// read reads every asset, by name.
func read(assets fs.FS) map[string][]byte {
	files := map[string][]byte{}
	err := fs.WalkDir(assets, ".", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		files[name], err = fs.ReadFile(assets, name)
		return err
	})
	if err != nil {
		panic(err) // embedded files can be read
	}
	return files
}

// hashOf names a set of assets: another content has another name.
func hashOf(files map[string][]byte) string {
	all := sha256.New()
	for _, name := range slices.Sorted(maps.Keys(files)) {
		one := sha256.Sum256(files[name])
		all.Write([]byte(name))
		all.Write(one[:])
	}
	return hex.EncodeToString(all.Sum(nil))[:16]
}

// serve answers GET and HEAD with a file, and with 304 a client that has it.
func serve(name string, content []byte, caching string) http.HandlerFunc {
	sum := sha256.Sum256(content)
	etag := `"` + hex.EncodeToString(sum[:])[:16] + `"`
	kind := types[path.Ext(name)]
	return func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Type", kind)
		h.Set("Cache-Control", caching)
		h.Set("ETag", etag)
		h.Set("Content-Security-Policy", policy)
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("Referrer-Policy", "no-referrer")
		http.ServeContent(w, r, name, time.Time{}, bytes.NewReader(content))
	}
}
