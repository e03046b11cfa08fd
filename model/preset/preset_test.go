package preset

import (
	"fmt"
	"testing"
	"time"

	"github.com/hachi-serve/hachi/model/checkpoint"
	"github.com/hachi-serve/hachi/moe"
)

func TestTiny(t *testing.T) {
	dir := t.TempDir()
	t0 := time.Now()
	if err := Write(dir, "tiny", 1, nil); err != nil {
		t.Fatal(err)
	}
	fmt.Println(time.Since(t0))
	t0 = time.Now()
	c, err := checkpoint.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	fmt.Println(time.Since(t0))
	fmt.Print(c.Summary())
	if _, err := c.MapDense(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.MapExpert(moe.ExpertID{Layer: 3, Expert: 7}); err != nil {
		t.Fatal(err)
	}
}
