package schema

// generatorCorpus is schemas as the generators that clients use write them.
var generatorCorpus = []sample{
	{"pydantic", `{"$defs":{"Color":{"enum":["red","green"],"title":"Color","type":"string"},"Item":{"additionalProperties":false,"properties":{"n":{"exclusiveMinimum":0,"multipleOf":5,"title":"N","type":"integer"},"c":{"$ref":"#/$defs/Color"}},"required":["n","c"],"title":"Item","type":"object"}},` +
		`"properties":{"items":{"items":{"$ref":"#/$defs/Item"},"maxItems":3,"title":"Items","type":"array"},"tags":{"anyOf":[{"items":{"$ref":"#/$defs/Color"},"type":"array","uniqueItems":true},{"type":"null"}],"default":null,"title":"Tags"},` +
		`"by":{"additionalProperties":{"type":"number"},"propertyNames":{"$ref":"#/$defs/Color"},"title":"By","type":"object"}},"required":["items","by"],"title":"Order","type":"object"}`,
		[]string{`{"items":[{"n":5,"c":"red"}],"tags":["green","red"],"by":{"red":1.5}}`, `{"items":[],"tags":null,"by":{}}`},
		[]string{`{"items":[{"n":4,"c":"red"}],"by":{}}`, `{"items":[],"tags":["red","red"],"by":{}}`, `{"items":[],"by":{"blue":1}}`}, nil},
	{"zod", `{"$schema":"http://json-schema.org/draft-07/schema#","type":"object","properties":{"scores":{"type":"object","propertyNames":{"type":"string"},"additionalProperties":{"type":"integer","minimum":-9007199254740991,"maximum":9007199254740991}},` +
		`"pair":{"type":"array","items":[{"type":"string"},{"type":"number"}]},"note":{"anyOf":[{"type":"string"},{"type":"null"}]}},"required":["scores","pair","note"],"additionalProperties":false}`,
		[]string{`{"scores":{"Ada":3},"pair":["a",1.5],"note":null}`}, []string{`{"scores":{"Ada":"x"},"pair":["a",1],"note":"n"}`, `{"scores":{},"pair":[1,1],"note":"n"}`}, nil},
	{"openapi", `{"type":"object","properties":{"name":{"type":"string","nullable":false},"kind":{"type":"string","enum":["a","b"]},"price":{"type":"number","format":"float","minimum":0}},"required":["name"]}`,
		[]string{`{"name":"x","kind":"a","price":0.5}`}, []string{`{"name":null}`, `{"name":"x","kind":"c"}`}, nil},
}
