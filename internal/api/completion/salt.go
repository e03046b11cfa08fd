package completion

import (
	"crypto/sha256"
	"encoding/binary"
)

// salt hashes a cache salt of any length. Requests of equal salts share a prefix
// cache; "" is the common cache, 0. The highest bit is the cache's own.
func salt(text string) uint64 {
	if text == "" {
		return 0
	}
	sum := sha256.Sum256([]byte(text))
	return max(1, binary.LittleEndian.Uint64(sum[:])&^(1<<63))
}
