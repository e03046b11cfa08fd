package arena

import "testing"

// TestPiecesAreApartAndTheArenaFills.
func TestPiecesAreApartAndTheArenaFills(t *testing.T) {
	a, err := New(Size(10) + Size(4*3))
	if err != nil {
		t.Fatal(err)
	}
	first, second := a.Bytes(10), a.Floats(3)
	first[9], second[2] = 1, 2
	if first = append(first, 7); second[0] != 0 || a.Left() != 0 || a.Floats(0) != nil {
		t.Errorf("%v %v, %d left", first, second, a.Left())
	}
	var none *Arena
	if a.Close() != nil || a.Close() != nil || none.Close() != nil {
		t.Error("closing fails")
	}
	if _, err := New(1 << 62); err == nil {
		t.Error("4 EiB were mapped")
	}
}
