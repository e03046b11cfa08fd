package kernel

import (
	"encoding/binary"
	"fmt"
	"math"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// Tile is the number of positions that attention takes at once. Tiles begin at
// multiples of Tile.
const Tile = Lanes

// KVTile is the keys and values of one key head at Tile positions, as they lie
// in the cache.
type KVTile struct {
	Format tensor.KVFormat
	Keys   []byte // [headDim, Tile]: transposed, see the package comment
	Values []byte // [Tile, headDim]
	// [Tile] of a scaled format, nil for the others.
	KeyScales, ValueScales []float32
}

// NewKVTile is a tile of zeros in memory of its own.
func NewKVTile(f tensor.KVFormat, headDim int) KVTile {
	t := KVTile{Format: f, Keys: make([]byte, KVTileBytes(f, headDim)), Values: make([]byte, KVTileBytes(f, headDim))}
	if f.Scaled() {
		t.KeyScales, t.ValueScales = make([]float32, Tile), make([]float32, Tile)
	}
	return t
}

// KVTileBytes is the size of Keys; Values have the same.
func KVTileBytes(f tensor.KVFormat, headDim int) int { return Tile * headDim * f.Size() }

// KVTileMemory is the size of all of a tile.
func KVTileMemory(f tensor.KVFormat, headDim int) int {
	n := 2 * KVTileBytes(f, headDim)
	if f.Scaled() {
		n += 2 * 4 * Tile
	}
	return n
}

// Put writes the key and the value [headDim] of position i of the tile.
func (t KVTile) Put(i int, key, value []float32) {
	size := t.Format.Size()
	row := t.Values[i*len(value)*size : (i+1)*len(value)*size]
	if t.Format.Scaled() {
		inverse := scaleOf(&t.KeyScales[i], key)
		for j, v := range key {
			t.Keys[j*Tile+i] = byte(nearestInt8(v * inverse))
		}
		inverse = scaleOf(&t.ValueScales[i], value)
		for j, v := range value {
			row[j] = byte(nearestInt8(v * inverse))
		}
		return
	}
	element := t.Format.Element()
	tensor.Encode(row, value, element)
	switch element {
	case tensor.BF16:
		for j, v := range key {
			binary.LittleEndian.PutUint16(t.Keys[2*(j*Tile+i):], tensor.ToBF16(v))
		}
	default:
		for j := range key {
			at := (j*Tile + i) * size
			tensor.Encode(t.Keys[at:at+size], key[j:j+1], element)
		}
	}
}

// scaleOf finds the scale that maps the largest magnitude to 127, and returns
// its inverse. A vector whose inverse scale overflows is stored as zeros.
func scaleOf(scale *float32, v []float32) (inverse float32) {
	var largest float32
	for _, x := range v {
		if m := math.Float32frombits(math.Float32bits(x) &^ (1 << 31)); m > largest || m != m {
			largest = m
		}
	}
	*scale = largest / 127
	if inverse = 127 / largest; math.IsInf(float64(inverse), 0) {
		return 0
	}
	return inverse
}

// nearestInt8 rounds to even. NaN becomes 0: the scale of its vector is NaN
// already, so the product is too.
func nearestInt8(v float32) int8 {
	if v != v {
		return 0
	}
	return int8(min(max(math.RoundToEven(float64(v)), -127), 127))
}

// check panics unless the tile has the bytes that heads of dim elements need:
// the kernels read by address.
func (t KVTile) check(dim int) {
	want := KVTileBytes(t.Format, dim)
	if len(t.Keys) != want || len(t.Values) != want ||
		t.Format.Scaled() && (len(t.KeyScales) != Tile || len(t.ValueScales) != Tile) {
		panic(fmt.Sprintf("kernel: a tile of %v for heads of %d: keys in %d bytes, values in %d, scales %d and %d", t.Format, dim,
			len(t.Keys), len(t.Values), len(t.KeyScales), len(t.ValueScales)))
	}
}
