package main

import (
	"errors"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/hachi-serve/hachi/internal/local"
	"github.com/hachi-serve/hachi/internal/role"
)

// newConfig prints configurations. It takes the flags of the command that a
// configuration is for.
func newConfig() *cobra.Command {
	up := local.DefaultUp()
	cmd := newPrintConfig("config", "print the configuration of hachi up, as --config reads it", &up, func() error {
		return errors.Join(completeUp(&up), up.Validate())
	})
	cmd.Long = `config prints the effective configuration of hachi up as a YAML file for --config:
the defaults, changed by --config, by environment variables and by flags. It
prints every fault after the file and then exits with status 78. The subcommands
print the configuration of one role.`
	cmd.Args = knownCommand
	upFlags(cmd, &up)
	coordinator, expertNode, router := role.DefaultCoordinator(), role.DefaultExpertNode(), role.DefaultRouter()
	ofCoordinator := newPrintConfig("coordinator", "print the configuration of hachi coordinator", &coordinator, func() error { return coordinator.Validate() })
	coordinatorFlags(ofCoordinator, &coordinator)
	ofExpertNode := newPrintConfig("expertnode", "print the configuration of hachi expertnode", &expertNode, func() error { return expertNode.Validate() })
	expertNodeFlags(ofExpertNode, &expertNode)
	ofRouter := newPrintConfig("router", "print the configuration of hachi router", &router, func() error { return router.Validate() })
	routerFlags(ofRouter, &router)
	gateway := role.DefaultGateway()
	ofGateway := newPrintConfig("gateway", "print the configuration of hachi gateway", &gateway, func() error { return gateway.Validate() })
	gatewayFlags(ofGateway, &gateway)
	cmd.AddCommand(ofCoordinator, ofExpertNode, ofRouter, ofGateway)
	return cmd
}

func newPrintConfig(use, short string, c any, validate func() error) *cobra.Command {
	return &cobra.Command{
		Use: use, Short: short, Args: arguments(0),
		RunE: func(cmd *cobra.Command, _ []string) error {
			faults := configure(cmd, c, validate)
			if err := printConfig(cmd, c); err != nil {
				return err
			}
			return faults
		},
	}
}

// completeUp chooses what the configuration leaves to the command.
func completeUp(c *local.UpConfig) (err error) {
	if c.DataDir == "" {
		if c.DataDir, err = local.DataDir(c.Listen); err != nil {
			return err
		}
	}
	if c.Model.Dir == "" {
		if c.Model.Dir, err = defaultModelDir(c.DataDir); err != nil {
			return err
		}
	}
	return c.Model.MakeAbsolute()
}

// printConfig prints a configuration with the usage of its flags as comments.
func printConfig(cmd *cobra.Command, c any) error {
	var doc yaml.Node
	if err := doc.Encode(c); err != nil {
		return err
	}
	comment(cmd, &doc, "")
	out := yaml.NewEncoder(cmd.OutOrStdout())
	out.SetIndent(2)
	return errors.Join(out.Encode(&doc), out.Close())
}

// comment adds comments to the fields of a mapping.
func comment(cmd *cobra.Command, mapping *yaml.Node, path string) {
	for i := 0; i+1 < len(mapping.Content); i += 2 {
		key, value := mapping.Content[i], mapping.Content[i+1]
		if value.Kind == yaml.MappingNode {
			comment(cmd, value, path+key.Value+".")
		} else if f := flagOf(cmd, path+key.Value); f != nil {
			key.HeadComment = "# --" + f.Name + ": " + f.Usage
		}
	}
}
