package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/hachi-serve/hachi/internal/identity"
)

func newCertsSecrets() *cobra.Command {
	var dir identity.Directory
	var namespace string
	cmd := &cobra.Command{
		Use: "secrets", Short: "print the Secrets of Kubernetes that pods mount", Args: arguments(0),
		Long: `secrets prints the certificates as Secrets of Kubernetes, one for each role:
ROLE-certificates has ca.crt, and NAME.crt and NAME.key of each process. The Secret
gossip-keys has gossip.keys. The key of the authority and the certificates of
operators are in none.`,
		Example: "  hachi certs secrets | kubectl apply --server-side -f -",
		RunE: func(cmd *cobra.Command, _ []string) error {
			secrets, err := secretsOf(dir, namespace)
			if err != nil {
				return permanent(err)
			}
			out := json.NewEncoder(cmd.OutOrStdout())
			out.SetIndent("", "  ")
			return out.Encode(map[string]any{"apiVersion": "v1", "kind": "List", "items": secrets})
		},
	}
	certsDir(cmd, &dir)
	cmd.Flags().StringVar(&namespace, "namespace", "hachi", "namespace of the Secrets")
	return cmd
}

// secret is a Secret of Kubernetes.
type secret struct {
	APIVersion string            `json:"apiVersion"`
	Kind       string            `json:"kind"`
	Metadata   map[string]string `json:"metadata"`
	Type       string            `json:"type"`
	Data       map[string][]byte `json:"data"`
}

func newSecret(namespace, name string) *secret {
	return &secret{"v1", "Secret", map[string]string{"name": name, "namespace": namespace}, "Opaque", map[string][]byte{}}
}

// secretsOf are the Secrets that the pods of a cluster need, in order of their
// roles. An operator is no pod.
func secretsOf(dir identity.Directory, namespace string) ([]*secret, error) {
	all, err := dir.List()
	if err != nil {
		return nil, err
	}
	gossip := newSecret(namespace, "gossip-keys")
	if gossip.Data[identity.GossipKeysFile], err = os.ReadFile(filepath.Join(string(dir), identity.GossipKeysFile)); err != nil {
		return nil, fmt.Errorf("%w; make an authority with `hachi certs init`", err)
	}
	out := []*secret{gossip}
	for _, c := range all {
		if c.ID.Role == identity.Operator {
			continue
		}
		name := string(c.ID.Role) + "-certificates"
		if last := out[len(out)-1]; last.Metadata["name"] != name {
			out = append(out, newSecret(namespace, name))
		}
		if err := out[len(out)-1].add(c); err != nil {
			return nil, err
		}
	}
	if len(out) == 1 {
		return nil, fmt.Errorf("%s has no certificate of a process: issue some with `hachi certs issue`", dir)
	}
	return out, nil
}

// add adds the files of a certificate.
func (s *secret) add(c identity.Issued) error {
	var errs [3]error
	read := func(to *error, key, file string) {
		s.Data[key], *to = os.ReadFile(filepath.Join(c.Dir, file))
	}
	read(&errs[0], identity.AuthoritiesFile, identity.AuthoritiesFile)
	read(&errs[1], c.ID.Name+".crt", identity.CertificateFile)
	read(&errs[2], c.ID.Name+".key", identity.KeyFile)
	return errors.Join(errs[:]...)
}
