package identity

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"time"
)

// ServerTLS is the configuration of a listener for processes of the cluster: each
// must show a certificate of the cluster. Rules decide what it may call.
func (s *Source) ServerTLS() *tls.Config { return s.server(tls.RequireAnyClientCert) }

// ClientsTLS is the configuration of a listener that clients without a certificate
// may reach too. A certificate that a client does show must be of the cluster.
func (s *Source) ClientsTLS() *tls.Config { return s.server(tls.RequestClientCert) }

// server verifies clients in VerifyConnection and not by ClientCAs: the
// authorities are those at the time of the connection.
func (s *Source) server(clients tls.ClientAuthType) *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS13, ClientAuth: clients,
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return &s.current.Load().certificate, nil },
		VerifyConnection: func(c tls.ConnectionState) error {
			if len(c.PeerCertificates) == 0 && clients == tls.RequestClientCert {
				return nil
			}
			m := s.current.Load()
			id, err := m.verify(c.PeerCertificates, time.Now(), x509.ExtKeyUsageClientAuth)
			if err == nil && id.Cluster != m.id.Cluster {
				err = fmt.Errorf("the certificate is of %v, expected cluster %s", id, m.id.Cluster)
			}
			return err
		},
		// A resumed session would keep what was verified at its start.
		SessionTicketsDisabled: true,
		// Records of full size from the start: a message of rows is many records.
		DynamicRecordSizingDisabled: true,
	}
}

// ClientTLS is the configuration of connections to a process of the cluster: that
// with a role and a name; "" is any name.
func (s *Source) ClientTLS(role Role, name string) *tls.Config {
	peer := string(role) + " " + name
	return &tls.Config{
		MinVersion:           tls.VersionTLS13,
		GetClientCertificate: func(*tls.CertificateRequestInfo) (*tls.Certificate, error) { return &s.current.Load().certificate, nil },
		// The verification by host name is replaced, not left out: addresses of
		// processes change, their IDs do not.
		InsecureSkipVerify: true,
		VerifyConnection: func(c tls.ConnectionState) error {
			err := s.expect(c.PeerCertificates, role, name)
			s.tell(peer, err)
			return err
		},
		SessionTicketsDisabled: true, DynamicRecordSizingDisabled: true,
	}
}

// expect reports what is wrong with the certificate of the process that answers.
func (s *Source) expect(chain []*x509.Certificate, role Role, name string) error {
	m := s.current.Load()
	id, err := m.verify(chain, time.Now(), x509.ExtKeyUsageServerAuth)
	switch want := (ID{m.id.Cluster, role, name}); {
	case err != nil:
		return err
	case name == "" && (id.Cluster != want.Cluster || id.Role != role):
		return fmt.Errorf("the certificate is of %v, expected any %s of cluster %s", id, role, want.Cluster)
	case name != "" && id != want:
		return fmt.Errorf("the certificate is of %v, expected %v", id, want)
	}
	return nil
}
