"""Writes validator.json: small documents, and whether jsonschema 4.26.0 finds them valid.

Run: pip install jsonschema==4.26.0 && python validator.py > validator.json

The documents of a schema are all objects, lists or scalars that its pool spells, in
the form that hachi writes: members in the order of the pool, no blanks. So a grammar
must accept exactly the valid ones.
"""

import itertools
import json

import jsonschema


def objects(names, values):
    for size in range(len(names) + 1):
        for chosen in itertools.combinations(names, size):
            for filled in itertools.product(values, repeat=size):
                yield dict(zip(chosen, filled))


def lists(values, longest):
    for size in range(longest + 1):
        yield from (list(items) for items in itertools.product(values, repeat=size))


EMAIL = r"^(?!\.)(?!.*\.\.)([A-Za-z0-9_'+\-\.]*)[A-Za-z0-9_+-]@([A-Za-z0-9][A-Za-z0-9\-]*\.)+[A-Za-z]{2,}$"
DECIMAL = r"^(?!^[-+.]*$)[+-]?0*\d*\.?\d*$"
CLOSED = {"type": "object", "additionalProperties": False}
ANY = {"type": "object", "additionalProperties": True}

CASES = [
    ({**ANY, "propertyNames": {"pattern": "^[ab]{1,2}$"}}, objects(["a", "ab", "c", "abc"], [0])),
    ({**ANY, "propertyNames": {"anyOf": [{"maxLength": 1}, {"const": "abc"}]}}, objects(["abc", "a", "c", "ab"], [0])),
    ({"type": "object", "propertyNames": {"enum": ["x", "y", "z"]}, "additionalProperties": {"type": "integer"}}, objects(["x", "y", "z"], [0, None])),
    ({**CLOSED, "patternProperties": {"^a": {"type": "integer"}, "b": {"type": ["integer", "null"], "minimum": 2}}},
     objects(["ab", "a", "b", "c"], [1, 2, None])),
    ({"type": "object", "additionalProperties": {"type": "null"}, "properties": {"a": {"enum": [1, 2]}}, "patternProperties": {"a": {"minimum": 2, "type": "integer"}}},
     objects(["a", "aa", "b"], [1, 2, None])),
    ({**CLOSED, "properties": {"a": {"const": 1}, "b": {"const": 1}, "c": {"const": 1}, "d": {"const": 1}}, "minProperties": 2, "maxProperties": 3}, objects(["a", "b", "c", "d", "e"], [1])),
    ({**CLOSED, "properties": {"a": {}, "b": {}, "c": {}, "d": {}}, "required": ["b"], "maxProperties": 2}, objects(["a", "b", "c", "d"], [0])),
    ({**ANY, "minProperties": 1, "maxProperties": 2}, objects(["p", "q", "r"], [0])),
    ({**ANY, "properties": {"a": {"type": "integer"}}, "minProperties": 2}, objects(["a", "p", "q"], [0, None])),
    ({**CLOSED, "properties": {"a": {}, "b": {}, "c": {}, "d": {}}, "dependentRequired": {"a": ["c"], "c": ["d"], "b": ["a"]}}, objects(["a", "b", "c", "d"], [0])),
    ({"type": "array", "items": {"enum": ["a", 1, None]}, "uniqueItems": True}, lists(["a", 1, None], 4)),
    ({"type": "array", "items": {"type": ["boolean", "null"]}, "uniqueItems": True, "minItems": 1, "maxItems": 2}, lists([True, False, None, 0], 3)),
    ({"type": "array", "prefixItems": [{"enum": [1, 2]}], "items": {"enum": [2, 3]}, "uniqueItems": True}, lists([1, 2, 3], 4)),
    ({"type": "array", "items": {"type": "integer", "minimum": 0, "maximum": 8, "multipleOf": 4}, "uniqueItems": True}, lists([0, 1, 4, 8, 12], 3)),
    ({"type": "integer", "multipleOf": 7}, range(-400, 400)),
    ({"type": "integer", "multipleOf": 12, "minimum": -100, "exclusiveMaximum": 250}, range(-400, 400)),
    ({"type": "integer", "multipleOf": 250, "minimum": 1000, "maximum": 9000}, range(0, 10000, 50)),
    ({"type": "number", "multipleOf": 0.25, "minimum": -1.5, "maximum": 2}, [i / 8 for i in range(-30, 30)]),
    ({"type": "integer", "allOf": [{"multipleOf": 6}, {"multipleOf": 4}]}, range(-50, 50)),
    ({"type": "string", "pattern": EMAIL}, ["a@b.co", ".a@b.co", "a..b@c.de", "a.b@c.de", "@b.co", "a@b", "a+b@c-d.org", "日@b.co"]),
    ({"type": "string", "pattern": DECIMAL}, ["1", "-1.5", "", "-", ".", "+.", "0012.5", "1e5", "1.2.3", ".5"]),
    ({"type": "string", "pattern": r"^(?=.*\d)(?=.*[a-z]).{3,5}$"}, ["".join(s) for n in range(2, 5) for s in itertools.product("a1B", repeat=n)]),
    *(({"type": "string", "pattern": p}, ["".join(s) for n in range(5) for s in itertools.product("abc", repeat=n)]) for p in (
        r"a(?=b)", r"a(?!b)", r"^a(?=b)b*c?$", r"^(?:(?!ab).)*$", r"^((?=a)a|(?!b)c)+$", r"^a(?=.*c)(?!.*bb)", r"^(?!a)b|c$", r"^(?=(?!a))b|a(?=c$)", r"^(a(?=bc)|b|c(?!$))*$", r"b(?=[^c])", r"^(?:a(?!a)|b)*c?(?!c)",
    )),
    ({"type": ["string", "null"], "const": None}, [None, "x"]),
    ({"type": "integer", "enum": [1, "a", 2.5, 3]}, [1, 2.5, 3, "a", 4]),
]


def number(value):
    return int(value) if isinstance(value, float) and value.is_integer() else value


def main():
    out = []
    for schema, documents in CASES:
        validator = jsonschema.Draft202012Validator(schema)
        judged = [[json.dumps(number(d), ensure_ascii=False, separators=(",", ":")), validator.is_valid(d)] for d in documents]
        assert any(ok for _, ok in judged) and not all(ok for _, ok in judged), schema
        out.append({"schema": schema, "documents": judged})
    lines = ",\n".join(json.dumps(case, ensure_ascii=False) for case in out)
    print(f"[\n{lines}\n]")


main()
