package main

import (
	"fmt"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/hachi-serve/hachi/internal/api/keys"
	"github.com/hachi-serve/hachi/internal/role"
)

func newKeys() *cobra.Command {
	return group("keys", "make API keys", newKeysNew())
}

func newKeysNew() *cobra.Command {
	var limits keys.Limits
	var of string
	cmd := &cobra.Command{
		Use:   "new NAME",
		Short: "make the API key of a client",
		Long: `new prints a key, which is shown this once, and the entry for the file of
--api-keys or --admin-keys. The file has the key's hash only. A running router
reads the file when it changes. A client whose key is replaced has both hashes in
its list, until it uses the new key.

A key of --admin-keys is an operator's. With --role viewer its holder may look at
the console, and change nothing.`,
		Args: arguments(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if err := keys.CheckRole(of); err != nil {
				return &role.ConfigError{Err: fmt.Errorf("--role: %w", err)}
			}
			key, entry, err := keys.New(args[0], limits)
			if err != nil {
				return &role.ConfigError{Err: err}
			}
			entry.Role = of
			line, err := yaml.Marshal([]keys.Entry{entry})
			if err != nil {
				return err
			}
			fmt.Fprintf(cmd.ErrOrStderr(), "the key of %s, which is shown this once:\n  %s\nthe entry for the file of keys:\n", entry.Name, key)
			_, err = cmd.OutOrStdout().Write(line)
			return err
		},
	}
	f := cmd.Flags()
	f.IntVar(&limits.RequestsPerMinute, "requests-per-minute", 0, "maximum mean rate of requests; 0 is no limit")
	f.IntVar(&limits.Concurrency, "concurrency", 0, "maximum requests at once; 0 is no limit")
	f.IntVar(&limits.TokensPerDay, "tokens-per-day", 0, "budget of tokens, of prompts and answers; 0 is no limit")
	f.IntVar(&limits.MaxPriority, "max-priority", 0, "most urgent priority of a request; lower is more urgent")
	f.StringVar(&of, "role", "", "of a key of --admin-keys: operator, which is meant when empty, or viewer")
	return cmd
}
