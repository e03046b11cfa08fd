package source

import (
	"errors"
	"fmt"
	"strings"
)

// peers begins the place of a model of whose experts other nodes are asked first.
const peers = "peer://"

// CutPeers reads peer:// or peer://,PLACE: whether other nodes are asked for experts, and
// where the model is otherwise, "" if nowhere. Any other text is a place.
func CutPeers(text string) (place string, asked bool) {
	if text == peers {
		return "", true
	}
	return strings.CutPrefix(text, peers+",")
}

// CheckPeers finds what is wrong with a place behind peer://.
func CheckPeers(text string) error {
	place, asked := CutPeers(text)
	switch {
	case !asked && strings.HasPrefix(text, "peer:"):
		return fmt.Errorf("%q: want peer:// or peer://,PLACE", text)
	case asked && place != "" && !IsRemote(place):
		return fmt.Errorf("%q: a directory has every expert, and needs no other node: give %s", text, place)
	case strings.HasPrefix(place, "peer:"):
		return errors.New("peer:// stands once, before one place")
	}
	return nil
}
