package ui

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var staticFiles embed.FS

// assets are the files that pages need beside their markup. Each is served
// under a name with the hash of its content, so that browsers may keep it for
// ever, and is compressed once.
type assets struct {
	paths map[string]string // "tidings.css" -> "/assets/tidings.1a2b3c4d.css"
	files map[string]*asset // by the name in the path
}

type asset struct {
	kind         string
	plain, small []byte // small = gzip
}

// readAssets reads the files that are built into the program; that they can be
// read is known when it is built.
func readAssets() *assets {
	a := &assets{paths: map[string]string{}, files: map[string]*asset{}}
	entries, err := staticFiles.ReadDir("static")
	if err != nil {
		panic(fmt.Sprintf("ui: the built-in files: %v", err))
	}
	kinds := map[string]string{".css": "text/css; charset=utf-8", ".js": "text/javascript; charset=utf-8", ".svg": "image/svg+xml"}
	for _, e := range entries {
		kind, served := kinds[path.Ext(e.Name())]
		if !served {
			continue // a licence
		}
		plain, err := staticFiles.ReadFile("static/" + e.Name())
		if err != nil {
			panic(fmt.Sprintf("ui: the built-in files: %v", err))
		}
		plain = slim(e.Name(), plain)
		sum := sha256.Sum256(plain)
		name := strings.TrimSuffix(e.Name(), path.Ext(e.Name())) + "." + hex.EncodeToString(sum[:4]) + path.Ext(e.Name())
		a.paths[e.Name()] = "/assets/" + name
		a.files[name] = &asset{kind: kind, plain: plain, small: compressed(plain)}
	}
	return a
}

func compressed(plain []byte) []byte {
	var b bytes.Buffer
	w, _ := gzip.NewWriterLevel(&b, gzip.BestCompression) // the level is one of its own
	_, _ = w.Write(plain)                                 // a buffer takes all
	_ = w.Close()
	return b.Bytes()
}

// path gives where a file is served: "tidings.css" -> "/assets/tidings.1a2b3c4d.css".
func (a *assets) path(name string) string { return a.paths[name] }

func (s *Server) registerAssets() {
	s.open(http.MethodGet, "/assets/{name}", (*visit).asset)
	s.open(http.MethodGet, "/favicon.ico", func(v *visit) error {
		http.Redirect(v.w, v.r, v.s.assets.path("icon.svg"), http.StatusFound)
		return nil
	})
}

func (v *visit) asset() error {
	f, ok := v.s.assets.files[v.r.PathValue("name")]
	if !ok {
		return v.nothingHere()
	}
	head := v.w.Header()
	head.Set("Content-Type", f.kind)
	head.Set("Cache-Control", "public, max-age=31536000, immutable")
	head.Set("Vary", "Accept-Encoding")
	body := f.plain
	if strings.Contains(v.r.Header.Get("Accept-Encoding"), "gzip") {
		head.Set("Content-Encoding", "gzip")
		body = f.small
	}
	head.Set("Content-Length", fmt.Sprint(len(body)))
	_, _ = v.w.Write(body) // a browser that does not take it has gone
	return nil
}
