package console

import (
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strconv"

	"github.com/hachi-serve/hachi/client"
)

// notices say what an action has done, by the parameter done.
var notices = map[string]string{
	"drain":   "The node is draining. Its experts move to others; it can be stopped when it serves none.",
	"undrain": "The node may serve again.",
	"cancel":  "The request was canceled. Its client got an error.",
}

// confirmBody asks a person to confirm an action.
type confirmBody struct {
	Question, Explanation string
	Action                string // where the form goes
	Name, Value           string // a field of the form
	Button, Back          string
}

// drainPage asks for confirmation.
func (c *Console) drainPage(w http.ResponseWriter, r *http.Request, who Person) error {
	node, err := c.node(r)
	if err != nil {
		return err
	}
	b := confirmBody{Action: Root + "/nodes/" + url.PathEscape(node.Node) + "/drain", Back: Root + "/nodes", Name: "undo"}
	if node.State == "draining" {
		b.Question, b.Button, b.Value = "Let "+node.Node+" serve again?", "Let it serve", "1"
		b.Explanation = "The coordinator gives it experts again as the policy asks."
	} else {
		b.Question, b.Button, b.Value = "Drain "+node.Node+"?", "Drain "+node.Node, ""
		b.Explanation = fmt.Sprintf("It serves %s. They are loaded elsewhere first, and no answer is interrupted. Experts that no other node has room for stay.", plural(node.Serving, "expert", "experts"))
	}
	return c.pages.write(w, "confirm", c.frame(who, b.Question, "nodes", b))
}

// node finds the node that a request names.
func (c *Console) node(r *http.Request) (client.NodeStatus, error) {
	all := c.Watcher.State().Cluster.Nodes
	i := slices.IndexFunc(all, func(n client.NodeStatus) bool { return n.Node == r.PathValue("node") })
	if i < 0 {
		return client.NodeStatus{}, &pageError{http.StatusNotFound, "no node is called " + r.PathValue("node")}
	}
	return all[i], nil
}

// drain drains a node, or takes that back.
func (c *Console) drain(w http.ResponseWriter, r *http.Request, who Person) error {
	r.Body = http.MaxBytesReader(w, r.Body, maxForm)
	node, undo, done := r.PathValue("node"), r.PostFormValue("undo") == "1", "drain"
	if undo {
		done = "undrain"
	}
	if err := c.Acts.Drain(r.Context(), who.key, node, undo); err != nil {
		return err
	}
	c.Logger.Info("an operator asked the console to drain a node", "operator", who.name(), "node", node, "undo", undo)
	http.Redirect(w, r, Root+"/nodes?done="+done, http.StatusSeeOther)
	return nil
}

// cancelPage asks for confirmation.
func (c *Console) cancelPage(w http.ResponseWriter, r *http.Request, who Person) error {
	running, _ := c.Watcher.Requests()
	for _, q := range running {
		if q.Role == r.PathValue("role") && q.Process == r.PathValue("process") && strconv.FormatUint(q.Number, 10) == r.PathValue("number") {
			b := confirmBody{
				Question: "Cancel the request " + q.ID + "?", Explanation: fmt.Sprintf("It has %s so far. Its client gets an error.", plural(q.Tokens, "token", "tokens")),
				Action: fmt.Sprintf("%s/requests/%s/%s/%d/cancel", Root, url.PathEscape(q.Role), url.PathEscape(q.Process), q.Number), Back: Root + "/requests", Button: "Cancel the request",
			}
			return c.pages.write(w, "confirm", c.frame(who, b.Question, "requests", b))
		}
	}
	return &pageError{http.StatusNotFound, "this request does not run any more"}
}

// cancel ends a request.
func (c *Console) cancel(w http.ResponseWriter, r *http.Request, who Person) error {
	number, err := strconv.ParseUint(r.PathValue("number"), 10, 64)
	if err != nil {
		return &pageError{http.StatusNotFound, "no such request"}
	}
	if err := c.Acts.Cancel(r.Context(), who.key, r.PathValue("role"), r.PathValue("process"), number); err != nil {
		return err
	}
	c.Logger.Info("an operator canceled a request", "operator", who.name(), "process", r.PathValue("process"), "number", number)
	http.Redirect(w, r, Root+"/requests?done=cancel", http.StatusSeeOther)
	return nil
}
