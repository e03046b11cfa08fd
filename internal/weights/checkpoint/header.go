package checkpoint

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"fmt"

	"github.com/hachi-serve/hachi/internal/compute/tensor"
)

// Stored is a tensor and the type in which a file holds it.
type Stored struct {
	Spec  Spec
	DType tensor.DType
}

// headerAlign puts the first tensor on a page, so that tensors of whole pages
// share none.
const headerAlign = 4096

// Header is the beginning of a safetensors file whose data are these tensors,
// one after another: the length of the header, JSON, and spaces up to a page.
func Header(tensors []Stored) []byte {
	var b bytes.Buffer
	b.Write(make([]byte, 8))
	b.WriteString(`{"__metadata__":{"format":"pt"}`)
	at := int64(0)
	for _, t := range tensors {
		end := at + int64(t.DType.Bytes(t.Spec.Rows, t.Spec.Cols))
		shape, _ := json.Marshal(t.Spec.ShapeAs(t.DType)) // integers only: cannot fail
		fmt.Fprintf(&b, `,%q:{"dtype":%q,"shape":%s,"data_offsets":[%d,%d]}`, t.Spec.Name, SafetensorsName(t.DType), shape, at, end)
		at = end
	}
	b.WriteByte('}')
	b.Write(bytes.Repeat([]byte{' '}, (headerAlign-b.Len()%headerAlign)%headerAlign))
	out := b.Bytes()
	binary.LittleEndian.PutUint64(out, uint64(len(out)-8))
	return out
}
