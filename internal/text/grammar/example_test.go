package grammar_test

import (
	"fmt"
	"log"

	"github.com/hachi-serve/hachi/internal/text/grammar"
)

// letters is a vocabulary of the 256 bytes, each a token, and an end.
type letters struct{}

func (letters) Size() int              { return 257 }
func (letters) EOS() int32             { return 256 }
func (l letters) First(t int32) []byte { return l.Bytes(t) }
func (letters) Bytes(t int32) []byte {
	if t == 256 {
		return nil
	}
	return []byte{byte(t)}
}

// The tokens that may follow a text under a JSON Schema.
func ExampleCompiler_Schema() {
	compiler, err := grammar.NewCompiler(letters{}, grammar.DefaultLimits())
	if err != nil {
		log.Fatal(err)
	}
	g, err := compiler.Schema([]byte(`{"enum":["rain","run","sun"]}`))
	if err != nil {
		log.Fatal(err)
	}
	m := g.Matcher()
	mask := make([]uint64, g.Words())
	for _, token := range []byte(`"r`) {
		fmt.Println(string(token), m.Accept(int32(token)))
	}
	m.Mask(mask)
	for token := range int32(256) {
		if mask[token/64]>>(token%64)&1 != 0 {
			fmt.Printf("next: %c\n", token)
		}
	}
	fmt.Println("x", m.Accept('x'))
	// Output:
	// " true
	// r true
	// next: a
	// next: u
	// x false
}
