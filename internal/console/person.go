package console

import (
	"net/http"

	"github.com/hachi-serve/hachi/internal/api/keys"
)

// Person is who asks.
type Person struct {
	Name   string // of the key; "" without one
	MayAct bool   // an operator; a viewer may look only
	// SignedIn says that the key is a session's, which can be ended.
	SignedIn bool
	key      string // "" without one
}

// person finds out who asks, and refuses those who may not call a route. leave must be
// called. The error may be a *keys.Refusal.
func (c *Console) person(r *http.Request, a access) (who Person, leave func(), err error) {
	leave = func() {}
	if a == everyone {
		return who, leave, nil
	}
	if c.IsOperator != nil && c.IsOperator(r.TLS) {
		return Person{Name: "the holder of an operator's certificate", MayAct: true}, leave, nil
	}
	who.key = keys.Credential(r.Header.Values)
	if who.key == "" {
		who.key = c.sessions.key(r)
		who.SignedIn = who.key != ""
	}
	enter := c.Gate.EnterAdmin
	if a == viewers {
		enter = c.Gate.EnterViewer
	}
	caller, err := enter(who.key)
	if err != nil {
		return Person{}, nil, err
	}
	who.Name, who.MayAct = caller.Name(), !caller.IsViewer()
	return who, caller.Leave, nil
}

// loginPage asks for a key.
func (c *Console) loginPage(w http.ResponseWriter, _ *http.Request, who Person) error {
	return c.pages.write(w, "login", c.frame(who, "Sign in", "", ""))
}

// maxForm bounds the body of a form, bytes.
const maxForm = 16 << 10

// login begins a session for the holder of a key.
func (c *Console) login(w http.ResponseWriter, r *http.Request, who Person) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	if err := r.ParseForm(); err != nil {
		return &pageError{http.StatusBadRequest, "the form cannot be read"}
	}
	key := r.PostForm.Get("key")
	caller, err := c.Gate.EnterViewer(key)
	if err != nil {
		w.WriteHeader(http.StatusUnauthorized)
		return c.pages.write(w, "login", c.frame(who, "Sign in", "", err.Error()))
	}
	defer caller.Leave()
	c.Logger.Info("signed in at the console", "name", caller.Name())
	http.SetCookie(w, c.sessions.begin(key, r.TLS != nil))
	http.Redirect(w, r, Root, http.StatusSeeOther)
	return nil
}

// logout ends a session.
func (c *Console) logout(w http.ResponseWriter, r *http.Request, _ Person) error {
	http.SetCookie(w, c.sessions.end(r))
	http.Redirect(w, r, Root+"/login", http.StatusSeeOther)
	return nil
}
