package main

import (
	"strings"
	"testing"
)

// TestMisspelledVariablesAreRefused with what was meant. Variables of other commands, of
// services and of others are no faults.
func TestMisspelledVariablesAreRefused(t *testing.T) {
	for _, name := range []string{"HACHI_API_KEY", "HACHI_URL", "HACHI_WEIGHTS_CACHE", "HACHI_BROWSER", "HACHI_ROUTER_SERVICE_HOST", "HACHI_ROUTER_PORT_9000_TCP_ADDR", "HACHI_ZEBRA_CROSSING"} {
		t.Setenv(name, "1")
	}
	if _, _, err := execute(t, "config", "--data-dir", "d", "--model", "m"); err != nil {
		t.Errorf("variables of others: %v", err)
	}
	for name, meant := range map[string]string{"HACHI_MAX_NUM_SEQ": "HACHI_MAX_NUM_SEQS", "HACHI_LISTN": "HACHI_LISTEN", "HACHI_REPLICA": "HACHI_REPLICAS"} {
		t.Setenv(name, "7")
		if _, _, err := execute(t, "config", "--data-dir", "d", "--model", "m"); err == nil || !strings.Contains(err.Error(), "the environment variable "+name+" is that of no flag: did you mean "+meant+"?") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestMisspelledAttributesAreRefusedWithWhatWasMeant on the command line.
func TestMisspelledAttributesAreRefusedWithWhatWasMeant(t *testing.T) {
	const british = "humo" + "ur" // in two parts for the checker of American spelling
	for _, args := range [][]string{{"chat", "--attribute", british + "=3", "hi"}, {"config", "--data-dir", "d", "--attribute", british + "=3"}} {
		if _, _, err := execute(t, args...); err == nil || !strings.Contains(err.Error(), `unknown attribute "`+british+`": did you mean humor?`) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
