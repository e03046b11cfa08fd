package failover

import (
	"bytes"
	"os"
	"testing"
	"time"
)

// TestTheFigureIsDrawn: every bar and label is where it was.
func TestTheFigureIsDrawn(t *testing.T) {
	r := Report{Fault: Kill, Streams: 16, Repeat: 3}
	for i := range 3 {
		for j := range 16 {
			r.longest = append(r.longest, time.Second+time.Duration(i*j*j)*611*time.Microsecond)
		}
	}
	r.sumUp([]time.Duration{time.Second})
	want, err := os.ReadFile("testdata/figure.svg")
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	if err := r.WriteFigure(&got); err != nil || !bytes.Equal(got.Bytes(), want) {
		t.Errorf("not testdata/figure.svg, %v:\n%s", err, &got)
	}
}
