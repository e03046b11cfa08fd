package kube

import (
	"context"
	"net"
	"net/netip"
	"strings"

	"golang.org/x/net/dns/dnsmessage"
	corev1 "k8s.io/api/core/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// names answers for the names of a cluster: SERVICE.NAMESPACE.svc.cluster.local, and
// POD before it, as https://github.com/kubernetes/dns/blob/master/docs/specification.md
// says.
type names struct{ plane *plane }

// serve answers until the connection is closed.
func (n names) serve(ctx context.Context, conn net.PacketConn) {
	buf := make([]byte, 4096)
	for {
		size, from, err := conn.ReadFrom(buf)
		if err != nil {
			return
		}
		var query dnsmessage.Message
		if err := query.Unpack(buf[:size]); err != nil || len(query.Questions) != 1 {
			continue
		}
		go func() {
			if raw, err := n.answer(ctx, query); err == nil {
				_, _ = conn.WriteTo(raw, from) // the caller asks again
			}
		}()
	}
}

func (n names) answer(ctx context.Context, query dnsmessage.Message) ([]byte, error) {
	q := query.Questions[0]
	out := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: query.ID, Response: true, Authoritative: true, RecursionDesired: query.RecursionDesired, RecursionAvailable: true},
		Questions: query.Questions,
	}
	addresses, err := n.lookup(ctx, strings.TrimSuffix(strings.ToLower(q.Name.String()), "."))
	switch {
	case err != nil:
		out.RCode = dnsmessage.RCodeServerFailure
	case len(addresses) == 0:
		out.RCode = dnsmessage.RCodeNameError
	case q.Type == dnsmessage.TypeA:
		for _, a := range addresses {
			out.Answers = append(out.Answers, dnsmessage.Resource{
				Header: dnsmessage.ResourceHeader{Name: q.Name, Type: q.Type, Class: q.Class}, Body: &dnsmessage.AResource{A: a.As4()},
			})
		}
	}
	return out.Pack()
}

// lookup returns the addresses of a name; none when there is no such name.
func (n names) lookup(ctx context.Context, name string) ([]netip.Addr, error) {
	name, ok := strings.CutSuffix(name, ".svc.cluster.local")
	parts := strings.Split(name, ".")
	if !ok || len(parts) < 2 || len(parts) > 3 {
		return nil, nil
	}
	pod, service, namespace := "", parts[len(parts)-2], parts[len(parts)-1]
	if len(parts) == 3 {
		pod = parts[0]
	}
	s, err := n.plane.CoreV1().Services(namespace).Get(ctx, service, metav1.GetOptions{})
	if err != nil {
		return nil, nil // there is no such Service
	}
	if s.Spec.ClusterIP != corev1.ClusterIPNone {
		a, err := netip.ParseAddr(s.Spec.ClusterIP)
		return []netip.Addr{a}, err
	}
	slices, err := n.plane.DiscoveryV1().EndpointSlices(namespace).List(ctx, metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + service})
	if err != nil {
		return nil, err
	}
	var out []netip.Addr
	for _, slice := range slices.Items {
		for _, e := range slice.Endpoints {
			if !*e.Conditions.Ready || pod != "" && (e.Hostname == nil || *e.Hostname != pod) {
				continue
			}
			a, err := netip.ParseAddr(e.Addresses[0])
			if err != nil {
				return nil, err
			}
			out = append(out, a)
		}
	}
	return out, nil
}
