package main

import (
	"testing"

	"github.com/hachi-serve/hachi/internal/local"
)

// TestUpNamesItsConsole by the address that a browser opens.
func TestUpNamesItsConsole(t *testing.T) {
	for want, change := range map[string]func(*local.UpConfig){
		"": func(*local.UpConfig) {},
		"console: https://127.0.0.1:9090/console\n": func(c *local.UpConfig) {
			c.Security.AdminListen = "127.0.0.1:9090"
		},
		"console: https://127.0.0.1:9090/console, which asks for a key of admins.yaml\n": func(c *local.UpConfig) {
			c.Security.AdminListen, c.Security.AdminKeys = "127.0.0.1:9090", "admins.yaml"
		},
		"console: http://127.0.0.1:9090/console\n": func(c *local.UpConfig) {
			c.Security.AdminListen, c.Security.Plaintext = "127.0.0.1:9090", true
		},
	} {
		var c local.UpConfig
		change(&c)
		if got := nameConsole(c); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}
