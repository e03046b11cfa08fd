package expertnode

// Ready reports whether the node holds every expert that the target gives it, and
// does not leave. A target that was made before the node joined gives it nothing yet.
func (n *Node) Ready() bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.ready
}

// prepare decides whether the node is ready.
func (l *loop) prepare() {
	ready := !l.leaving && l.listed && len(l.view.toLoad(l.n.cfg.ID, l.n.resident())) == 0
	l.n.mu.Lock()
	defer l.n.mu.Unlock()
	l.n.ready = ready
}
