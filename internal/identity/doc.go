// Package identity says who a process of a cluster is, and what it may ask of the
// others: certificates that name a role, and a table of methods and roles.
//
// What it owns: the URI that names a process in a certificate, the private
// authority that issues certificates, the files of a certificate and their
// reload, the TLS configurations of both ends of a connection, and the rules that
// say which roles may call which method.
//
// Invariants:
//   - A certificate has one URI, spiffe://CLUSTER/ROLE/NAME. Its other names are
//     for clients that know no such URI, and give no right.
//   - Both ends of a connection verify the other: the chain to an authority of
//     ca.crt, the cluster, and the role and the name where they are known.
//   - Who may call a method is decided by the method's rule. A method without a
//     rule is refused.
//   - A change of the files holds for every connection that is opened after it.
//     Open connections stay open.
//   - TLS 1.3 only, keys on the curve P-256 only.
//
// Concurrency: a Source may be used from any goroutine; Follow joins nothing and
// returns when its context ends. The rest is pure.
//
// References: SPIFFE-ID and X509-SVID of the SPIFFE standards, for the form of the
// URI; RFC 5280 for certificates; RFC 8446 for TLS 1.3.
package identity
