package console

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"io"
	"net/http"
	"time"

	"github.com/hachi-serve/hachi/internal/status"
)

//go:embed templates
var templates embed.FS

// pages are the templates by the name of their page, each with the frame.
type pages map[string]*template.Template

// parsePages parses every page. A template that cannot be parsed is a fault of the
// program.
func parsePages() pages {
	frame := template.Must(template.ParseFS(templates, "templates/frame.html"))
	out := pages{}
	entries, err := templates.ReadDir("templates")
	if err != nil {
		panic(err) // the folder is embedded
	}
	for _, e := range entries {
		name := e.Name()[:len(e.Name())-len(".html")]
		out[name] = template.Must(template.Must(frame.Clone()).ParseFS(templates, "templates/"+e.Name()))
	}
	return out
}

// write writes a page in its frame.
func (p pages) write(w http.ResponseWriter, name string, f frame) error {
	var out bytes.Buffer
	if err := p[name].ExecuteTemplate(&out, "frame", f); err != nil {
		return fmt.Errorf("page %s: %w", name, err)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	_, err := out.WriteTo(w)
	return err
}

// part writes a template of a page without its frame.
func (p pages) part(w io.Writer, page, name string, body any) error {
	if err := p[page].ExecuteTemplate(w, name, body); err != nil {
		return fmt.Errorf("part %s of the page %s: %w", name, page, err)
	}
	return nil
}

// frame is what every page has.
type frame struct {
	Title   string
	Page    string // the page among Pages; "" is another
	Live    string // path of the page's events; "" is a page that does not change
	Pages   []shown
	Assets  string
	Who     Person
	Process string
	Notice  string // what an action has done
	Fault   string // why the state is old; "" is fresh
	Body    any
}

// shown is a page with a link in the navigation.
type shown struct {
	Name, Title string
	// body makes what the page's templates read.
	body func(*Console, view) any
}

func (s shown) path() string {
	if s.Name == "overview" {
		return Root
	}
	return Root + "/" + s.Name
}

// Path is the address of the page.
func (s shown) Path() string { return s.path() }

// shown are the pages in the order of the navigation.
func (c *Console) shown() []shown {
	all := []shown{
		{"overview", "Overview", (*Console).overview}, {"experts", "Experts", (*Console).experts}, {"nodes", "Nodes", (*Console).nodes},
		{"hops", "Hops", (*Console).hops}, {"requests", "Requests", (*Console).requests}, {"placement", "Placement", (*Console).placement},
		{"events", "Events", (*Console).events},
	}
	if c.Chat != nil {
		all = append(all, shown{"chat", "Chat", (*Console).chat})
	}
	return all
}

// view is what a page is made of.
type view struct {
	state status.State
	who   Person
	query func(name string) string
	now   time.Time
}

// view looks at the state for a request.
func (c *Console) view(r *http.Request, who Person) view {
	return view{c.Watcher.State(), who, r.URL.Query().Get, time.Now()}
}

// frame is around a page.
func (c *Console) frame(who Person, title, page string, body any) frame {
	return frame{Title: title, Page: page, Pages: c.shown(), Assets: c.assets.folder(), Who: who, Process: c.Process, Body: body, Fault: c.Watcher.State().Fault}
}

// page serves one of the pages.
func (c *Console) page(s shown) func(http.ResponseWriter, *http.Request, Person) error {
	return func(w http.ResponseWriter, r *http.Request, who Person) error {
		f := c.frame(who, s.Title, s.Name, s.body(c, c.view(r, who)))
		f.Live = Root + "/live/" + s.Name
		if r.URL.RawQuery != "" {
			f.Live += "?" + r.URL.RawQuery
		}
		f.Notice = notices[r.URL.Query().Get("done")]
		return c.pages.write(w, s.Name, f)
	}
}
