package cuda

import (
	"github.com/hachi-serve/hachi/internal/compute/tensor"
	"github.com/hachi-serve/hachi/internal/model"
)

// pad is what dimensions are multiples of on the device: the largest tile of outputs,
// and two blocks of K.
const pad = 128

// shape is the padded dimensions of an expert.
type shape struct{ hidden, ffn int }

func shapeOf(cfg model.Config) shape { return shape{hidden: padded(cfg.Hidden), ffn: padded(cfg.FFN)} }

func padded(n int) int { return (n + pad - 1) / pad * pad }

// rowBytes is a row of x or y on the device.
func (s shape) rowBytes() int { return 2 * s.hidden }

// blockBytes is 16 rows x 64 columns of a format in the order of portable.cu. For
// bf16 an image has this size in either order.
func blockBytes(format tensor.DType) int {
	switch format {
	case tensor.BF16:
		return 2048
	case tensor.Int8:
		return 1024 + 64
	case tensor.Int4:
		return 512 + 64
	case tensor.MXFP4:
		return 512 + 32
	}
	return 0
}

// matrixBytes is the image of a [rows, columns] matrix.
func matrixBytes(format tensor.DType, rows, columns int) int {
	return rows / 16 * (columns / 64) * blockBytes(format)
}

// upBytes is the image of w1 and w3, downBytes that of w2.
func (s shape) upBytes(format tensor.DType) int   { return matrixBytes(format, 2*s.ffn, s.hidden) }
func (s shape) downBytes(format tensor.DType) int { return matrixBytes(format, s.hidden, s.ffn) }
